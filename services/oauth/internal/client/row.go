package client

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// chosen is the metadata column.
type chosen struct {
	oauth.Metadata
	oauth.Privileges
}

// encoded is what columns have as JSON.
type encoded struct{ redirectURIs, grantTypes, scopes, metadata string }

func encode(c *Client) (encoded, error) {
	var e encoded
	for _, column := range []struct {
		text  *string
		value any
	}{
		{&e.redirectURIs, c.RedirectURIs}, {&e.grantTypes, c.GrantTypes}, {&e.scopes, c.Scopes},
		{&e.metadata, chosen{c.Metadata, c.Privileges}},
	} {
		text, err := json.Marshal(column.value)
		if err != nil {
			return encoded{}, fmt.Errorf("client: encode: %w", err)
		}
		*column.text = string(text)
	}
	return e, nil
}

// scan reads a row. A column from before prevails over the metadata, which rows
// of an older program lack.
func scan(row db.Scanner) (*Client, error) {
	var c Client
	var lists [3]string
	var metadata string
	var public bool
	var old struct {
		name, authMethod                         string
		firstParty, pkceOptional, resourceServer bool
	}
	var created, modified int64
	var secret, former sql.NullInt64
	err := row.Scan(&c.ID, &old.name, &public, &c.SecretHash, &old.authMethod, &lists[0], &lists[1], &lists[2],
		&old.firstParty, &old.pkceOptional, &old.resourceServer, &created,
		&c.Number, &c.Hash, &c.Hub, &metadata, &modified, &secret, &c.FormerSecretHash, &former, &c.RegistrationHash, &c.Registration,
		&c.AnySecret, &c.HubHash)
	if err != nil {
		return nil, err
	}
	var m chosen
	if err := json.Unmarshal([]byte(metadata), &m); err != nil {
		return nil, fmt.Errorf("decode metadata: %w", err)
	}
	c.Metadata, c.Privileges = m.Metadata, m.Privileges
	c.Name, c.AuthMethod = old.name, old.authMethod
	c.FirstParty, c.PKCEOptional, c.ResourceServer = old.firstParty, old.pkceOptional, old.resourceServer
	for i, list := range []*[]string{&c.RedirectURIs, &c.GrantTypes, &c.Scopes} {
		*list = nil
		if err := json.Unmarshal([]byte(lists[i]), list); err != nil {
			return nil, fmt.Errorf("decode: %w", err)
		}
	}
	c.CreatedTime, c.ModifiedTime = db.FromMicros(created), db.FromMicros(modified)
	c.SecretTime, c.FormerSecretExpirationTime = db.FromNullMicros(secret), db.FromNullMicros(former)
	c.Vetted = !c.SelfMade()
	if len(c.ResponseTypes) == 0 && c.May(AuthorizationCode) {
		c.ResponseTypes = []string{"code"}
	}
	return &c, nil
}
