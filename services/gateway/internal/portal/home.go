package portal

import (
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// roles name the texts of the roles.
var roles = map[accounts.Role]string{
	accounts.RoleNone:                   "page.role.none",
	accounts.RolePassive:                "page.role.passive",
	accounts.RoleUser:                   "page.role.user",
	accounts.RoleAdministrator:          "page.role.administrator",
	accounts.RoleTechnicalAdministrator: "page.role.technical_administrator",
	accounts.RoleOwner:                  "page.role.owner",
}

// account is what the account home shows.
type account struct {
	Name, Email, Hub, Role string
	// Since is when the user proved who they are: in words, and for machines.
	Since, SinceTime string
	// Own tells that the caller may look after the account's security.
	Own bool
}

// home is the account of whoever is signed in, else the way in.
func (p *Portal) home(v *visit) error {
	caller, ok, err := v.signedIn()
	if err != nil {
		return err
	}
	if !ok {
		return v.welcome()
	}
	described, err := p.deps.Flow.Current(v.r.Context(), caller)
	if fault.Is(err, fault.Unauthenticated) {
		// The account is closed, or has left the session's hub.
		p.deps.Edge.ClearSession(v.w)
		return v.welcome()
	}
	if err != nil {
		return err
	}
	v.relearn()
	return v.ok("account", page{Title: v.text("page.account.title"), Data: v.account(described, caller)})
}

func (v *visit) welcome() error {
	return v.ok("welcome", page{Title: v.text("page.welcome.title", "Product", v.portal.deps.Product)})
}

func (v *visit) account(a accounts.Account, c edge.Caller) account {
	since := c.Session.AuthenticatedTime
	shown := account{
		Name:      nameOf(a.User),
		Email:     a.User.Email,
		Since:     v.portal.deps.Texts.Relative(v.lang, since, v.portal.deps.Edge.Now()),
		SinceTime: since.UTC().Format(time.RFC3339),
		Own:       c.Secure() == nil,
	}
	if a.Hub != nil {
		shown.Hub = a.Hub.Name
		shown.Role = v.text(roles[a.Role])
	}
	return shown
}

// nameOf is the user's name, else the address.
func nameOf(u accounts.User) string {
	if name := strings.TrimSpace(u.FirstName + " " + u.LastName); name != "" {
		return name
	}
	return u.Email
}
