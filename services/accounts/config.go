package accounts

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/admission"
)

// The default settings, for whoever makes a Config without the environment.
const (
	defaultProduct          = "Gatehouse"
	defaultLinkLife         = 24 * time.Hour
	defaultInvitationLife   = 14 * 24 * time.Hour
	defaultFinishWindow     = time.Hour
	defaultHubsPerUser      = 20
	defaultInvitedRetention = 30 * 24 * time.Hour
	defaultAuditRetention   = 365 * 24 * time.Hour
	defaultDeletionGrace    = 30 * 24 * time.Hour
	defaultArgon2Memory     = 19 << 10 // KiB
	defaultArgon2Passes     = 2
	defaultArgon2Lanes      = 1
	defaultHashQueue        = 64
)

// minAuditRetention covers the time for which mails to an address are counted
// by the audit record.
const minAuditRetention = 24 * time.Hour

// The least that argon2id may cost, by memory (the smallest of the equivalent
// settings in OWASP's password storage cheat sheet), and the most that is no
// typing error.
const (
	minArgon2Memory = 7 << 10  // KiB
	maxArgon2Memory = 4 << 20  // KiB
	maxArgon2Passes = 64       // with little memory
	maxArgon2Lanes  = 255      // its parameter is a byte
	minArgon2Work   = 35 << 10 // KiB times passes
)

// Config are the service's settings. A zero duration or number means the
// default; SelfRegistration has to be said.
type Config struct {
	PublicURL        string        `env:"GATEHOUSE_PUBLIC_URL" doc:"The public origin, such as https://id.example.org."`
	Product          string        `env:"GATEHOUSE_PRODUCT_NAME" envDefault:"Gatehouse" doc:"What pages and mails call this installation."`
	SelfRegistration bool          `env:"GATEHOUSE_SELF_REGISTRATION" envDefault:"true" doc:"Whether people can register by themselves. Without it they need an invitation."`
	LinkLife         time.Duration `env:"GATEHOUSE_LINK_LIFE" envDefault:"24h" doc:"How long a mailed activation link may wait to be opened."`
	InvitationLife   time.Duration `env:"GATEHOUSE_INVITATION_LIFE" envDefault:"336h" doc:"How long a mailed invitation link may wait to be opened. One to a hub is then mailed again, three times."`
	FinishWindow     time.Duration `env:"GATEHOUSE_ACTIVATION_WINDOW" envDefault:"1h" doc:"How long an activation may take to be finished after its link was opened."`
	HubsPerUser      int           `env:"GATEHOUSE_HUBS_PER_USER" envDefault:"20" doc:"How many hubs somebody may own to create no more."`
	InvitedRetention time.Duration `env:"GATEHOUSE_INVITED_RETENTION" envDefault:"720h" doc:"How long invited users who never came, and expired links, are remembered."`
	AuditRetention   time.Duration `env:"GATEHOUSE_AUDIT_RETENTION" envDefault:"8760h" doc:"How long the audit record is kept."`
	UnusualLogin     string        `env:"GATEHOUSE_UNUSUAL_LOGIN" envDefault:"code" doc:"What a login from an unknown device or network brings: code (it has to be confirmed, and the user is told by mail), notice (the user is told) or off."`
	TermsTime        string        `env:"GATEHOUSE_TERMS_TIME" doc:"When the terms have changed last, such as 2026-01-31T00:00:00Z. Who accepted them before has to do so again at the next login; empty: nobody."`
	DeletionGrace    time.Duration `env:"GATEHOUSE_DELETION_GRACE" envDefault:"720h" doc:"How long an account stays after its user has asked for its deletion."`
	Argon2Memory     int           `env:"GATEHOUSE_ARGON2_MEMORY" envDefault:"19456" doc:"Memory of one password hash in KiB. Existing hashes follow at the next login."`
	Argon2Passes     int           `env:"GATEHOUSE_ARGON2_PASSES" envDefault:"2" doc:"Passes of a password hash over its memory."`
	Argon2Lanes      int           `env:"GATEHOUSE_ARGON2_LANES" envDefault:"1" doc:"Lanes of a password hash, which can be computed in parallel."`
	HashConcurrency  int           `env:"GATEHOUSE_HASH_CONCURRENCY" envDefault:"0" doc:"How many passwords are hashed at once; 0: one per processor."`
	HashQueue        int           `env:"GATEHOUSE_HASH_QUEUE" envDefault:"64" doc:"How many may wait for a password to be hashed before others are told to come back later."`
}

// withDefaults is c with the defaults in the place of zeroes.
func (c Config) withDefaults() Config {
	c.Product = cmp.Or(c.Product, defaultProduct)
	c.LinkLife = cmp.Or(c.LinkLife, defaultLinkLife)
	c.InvitationLife = cmp.Or(c.InvitationLife, defaultInvitationLife)
	c.HubsPerUser = cmp.Or(c.HubsPerUser, defaultHubsPerUser)
	c.FinishWindow = cmp.Or(c.FinishWindow, defaultFinishWindow)
	c.InvitedRetention = cmp.Or(c.InvitedRetention, defaultInvitedRetention)
	c.AuditRetention = cmp.Or(c.AuditRetention, defaultAuditRetention)
	c.UnusualLogin = cmp.Or(c.UnusualLogin, string(admission.Code))
	c.DeletionGrace = cmp.Or(c.DeletionGrace, defaultDeletionGrace)
	c.Argon2Memory = cmp.Or(c.Argon2Memory, defaultArgon2Memory)
	c.Argon2Passes = cmp.Or(c.Argon2Passes, defaultArgon2Passes)
	c.Argon2Lanes = cmp.Or(c.Argon2Lanes, defaultArgon2Lanes)
	c.HashQueue = cmp.Or(c.HashQueue, defaultHashQueue)
	return c
}

// termsTime is zero if the terms have never changed.
func (c Config) termsTime() (time.Time, error) {
	if c.TermsTime == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339, c.TermsTime)
}

// isAddress tells whether the origin has an IP address in the place of a name.
func isAddress(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	_, err = netip.ParseAddr(u.Hostname())
	return err == nil
}

// Validate finds what is wrong with the settings.
func (c *Config) Validate() []string {
	var problems []string
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			problems = append(problems, fmt.Sprintf(format, args...))
		}
	}
	if problem := config.OriginProblem("GATEHOUSE_PUBLIC_URL", c.PublicURL); problem != "" {
		problems = append(problems, problem)
	} else {
		bad(isAddress(c.PublicURL), "GATEHOUSE_PUBLIC_URL must have a host name, such as localhost, not an address: passkeys belong to it")
	}
	bad(c.LinkLife < time.Minute, "GATEHOUSE_LINK_LIFE must be at least 1m")
	bad(c.FinishWindow < time.Minute, "GATEHOUSE_ACTIVATION_WINDOW must be at least 1m")
	bad(c.InvitationLife < time.Minute, "GATEHOUSE_INVITATION_LIFE must be at least 1m")
	bad(c.HubsPerUser < 1, "GATEHOUSE_HUBS_PER_USER must be at least 1")
	bad(c.InvitedRetention < max(c.LinkLife, c.InvitationLife)+c.FinishWindow,
		"GATEHOUSE_INVITED_RETENTION must be at least GATEHOUSE_LINK_LIFE or GATEHOUSE_INVITATION_LIFE, the longer one, "+
			"and GATEHOUSE_ACTIVATION_WINDOW together")
	bad(c.AuditRetention < minAuditRetention, "GATEHOUSE_AUDIT_RETENTION must be at least 24h")
	bad(!admission.Unusual(c.UnusualLogin).Valid(), "GATEHOUSE_UNUSUAL_LOGIN must be code, notice or off")
	_, err := c.termsTime()
	bad(err != nil, "GATEHOUSE_TERMS_TIME must be a time such as 2026-01-31T00:00:00Z")
	bad(c.DeletionGrace < time.Minute, "GATEHOUSE_DELETION_GRACE must be at least 1m")
	bad(c.Argon2Memory < minArgon2Memory || c.Argon2Memory > maxArgon2Memory,
		"GATEHOUSE_ARGON2_MEMORY must be between %d and %d", minArgon2Memory, maxArgon2Memory)
	bad(c.Argon2Passes < 1 || c.Argon2Passes > maxArgon2Passes,
		"GATEHOUSE_ARGON2_PASSES must be between 1 and %d", maxArgon2Passes)
	bad(c.Argon2Memory*c.Argon2Passes < minArgon2Work,
		"GATEHOUSE_ARGON2_MEMORY times GATEHOUSE_ARGON2_PASSES must be at least %d, or guessing is too cheap", minArgon2Work)
	bad(c.Argon2Lanes < 1 || c.Argon2Lanes > maxArgon2Lanes,
		"GATEHOUSE_ARGON2_LANES must be between 1 and %d", maxArgon2Lanes)
	bad(c.HashConcurrency < 0, "GATEHOUSE_HASH_CONCURRENCY must not be negative")
	bad(c.HashQueue < 1, "GATEHOUSE_HASH_QUEUE must be at least 1")
	return problems
}
