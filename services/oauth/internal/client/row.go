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

// encode gives the values of the columns.
func encode(c *Client) ([]any, error) {
	metadata, err := json.Marshal(chosen{c.Metadata, c.Privileges})
	if err != nil {
		return nil, fmt.Errorf("client: encode: %w", err)
	}
	var lists [3]string
	for i, list := range [][]string{c.RedirectURIs, c.GrantTypes, c.Scopes} {
		text, err := json.Marshal(list)
		if err != nil {
			return nil, fmt.Errorf("client: encode: %w", err)
		}
		lists[i] = string(text)
	}
	return []any{
		c.ID, c.Name, c.Public(), c.SecretHash, c.AuthMethod, lists[0], lists[1], lists[2],
		c.FirstParty, c.PKCEOptional, c.ResourceServer, db.Micros(c.CreatedTime),
		c.Number, c.Hash, c.Hub, string(metadata), db.Micros(c.ModifiedTime),
		db.NullMicros(c.SecretTime), c.FormerSecretHash, db.NullMicros(c.FormerSecretExpirationTime), c.RegistrationHash,
		c.Registration, c.AnySecret, c.HubHash,
	}, nil
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
