package sessions

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// AccessTokens are what users give to programs that act for them. Creating and
// deleting is Forbidden while impersonating or by such a token.
type AccessTokens interface {
	// CreateAccessToken makes a token, whose text is shown this once. Invalid
	// names every broken rule; Conflict if the user has too many.
	CreateAccessToken(context.Context, CreateAccessTokenRequest) (CreatedAccessToken, error)
	// ListAccessTokens lists the user's, newest first.
	ListAccessTokens(context.Context, ListRequest) (AccessTokenList, error)
	// DeleteAccessToken deletes a token and ends the sessions it has opened.
	// NotFound if it is not the user's.
	DeleteAccessToken(context.Context, DeleteAccessTokenRequest) (api.Nothing, error)
	// UseAccessToken tells whose a token is. Unauthenticated (fault.credentials)
	// if it is unknown or has expired.
	UseAccessToken(context.Context, UseAccessTokenRequest) (AccessToken, error)
}

// TokenScope says what a personal access token may do.
type TokenScope string

// The scopes.
const (
	TokenFull TokenScope = "*"    // all but account security
	TokenRead TokenScope = "read" // read what the user may read
)

// AccessToken is a personal access token, without its text.
type AccessToken struct {
	ID             int64        `json:"id"`
	Hash           string       `json:"hash"`
	User           int64        `json:"user"`
	UserHash       string       `json:"user_hash"`
	Name           string       `json:"name"`
	Scopes         []TokenScope `json:"scopes"`
	ExpirationTime *time.Time   `json:"expiration_time,omitempty"` // nil: never
	LastUsedTime   *time.Time   `json:"last_used_time,omitempty"`
	CreatedTime    time.Time    `json:"created_time"`
	ModifiedTime   time.Time    `json:"modified_time"`
}

// CreateAccessTokenRequest makes a token of the actor's.
type CreateAccessTokenRequest struct {
	Actor          api.Actor    `json:"actor"`
	UserHash       string       `json:"user_hash"`
	Name           string       `json:"name"`
	Scopes         []TokenScope `json:"scopes,omitempty"` // none: TokenFull
	ExpirationTime *time.Time   `json:"expiration_time,omitempty"`
}

// CreatedAccessToken is a new token with its text.
type CreatedAccessToken struct {
	AccessToken
	Token string `json:"token"`
}

// AccessTokenList is a page of tokens.
type AccessTokenList struct {
	Tokens []AccessToken `json:"tokens"`
	Total  int           `json:"total"`
}

// DeleteAccessTokenRequest deletes a token of the actor's.
type DeleteAccessTokenRequest struct {
	Actor api.Actor `json:"actor"`
	Token api.Ref   `json:"token"`
}

// UseAccessTokenRequest asks whose a token is.
type UseAccessTokenRequest struct {
	Token  string     `json:"token"`
	Origin api.Origin `json:"origin"`
}
