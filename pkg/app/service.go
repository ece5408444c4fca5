package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/doctor"
)

// Service describes a program to Main.
type Service struct {
	// Name is the service's in discovery, certificates, logs and the database.
	Name string
	// Settings points to a struct for package config, one of whose fields is a
	// Base, embedded or not. Nil stands for a Base alone.
	Settings any
	// Migrations of the service's database; nil means that it has none.
	Migrations fs.FS
	// Callers are the services that may call this one.
	Callers []string
	// Build makes the service out of its loaded settings. The context ends when
	// the process shall; what runs for longer goes to Runtime.Go.
	Build func(ctx context.Context, rt *Runtime) error
	// Checks are what its doctor looks at beside the database, the certificate and
	// Consul, once the settings are loaded; nil: nothing.
	Checks func() []doctor.Check
	// Alone is a process with no services beside it: it needs no certificate,
	// and GATEHOUSE_DATABASE_URL and GATEHOUSE_ROOT_KEY only if it says so itself.
	Alone bool
}

var errNoBase = errors.New("app: the settings have no field of type app.Base")

// base finds the Base in the settings.
func (s Service) base() (*Base, error) {
	v := reflect.ValueOf(s.Settings)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("app: the settings of %s are not a pointer to a struct", s.Name)
	}
	if base, ok := s.Settings.(*Base); ok {
		return base, nil
	}
	for _, field := range v.Elem().Fields() {
		if !field.CanInterface() {
			continue
		}
		if base, ok := reflect.TypeAssert[*Base](field.Addr()); ok {
			return base, nil
		}
	}
	return nil, errNoBase
}

// purpose is what the settings are loaded for: a migration needs fewer of them.
type purpose int

const (
	toServe purpose = iota
	toMigrate
)

// load reads the settings and says everything that is wrong with them at once.
func (s Service) load(environ []string, p purpose) (*Base, error) {
	base, err := s.base()
	if err != nil {
		return nil, err
	}
	var found *config.Error
	if err := config.Load(s.Settings, environ); err != nil && !errors.As(err, &found) {
		return nil, err
	}
	if found == nil {
		found = &config.Error{}
	}
	if s.Migrations != nil && strings.HasPrefix(base.DatabaseURL, db.SQLite+":") && !db.HasSQLite() {
		found.Problems = append(found.Problems, "GATEHOUSE_DATABASE_URL: "+db.ErrNoSQLite.Error())
	}
	for _, missing := range s.missing(base, p) {
		said := slices.ContainsFunc(found.Problems, func(problem string) bool { return strings.Contains(problem, missing.name) })
		if !said {
			found.Problems = append(found.Problems, missing.problem)
		}
	}
	if len(found.Problems) > 0 {
		return nil, found
	}
	return base, nil
}

type missing struct{ name, problem string }

// missing are settings without which this service cannot do what is asked of it.
func (s Service) missing(b *Base, p purpose) []missing {
	var all []missing
	if s.Migrations != nil && !s.Alone && b.DatabaseURL == "" {
		all = append(all, missing{"GATEHOUSE_DATABASE_URL", "GATEHOUSE_DATABASE_URL (or GATEHOUSE_DATABASE_URL_FILE) is required"})
	}
	if p == toMigrate || s.Alone {
		return all
	}
	if s.Migrations != nil && b.RootKey == "" {
		all = append(all, missing{"GATEHOUSE_ROOT_KEY", "GATEHOUSE_ROOT_KEY (or GATEHOUSE_ROOT_KEY_FILE) is required"})
	}
	if _, ok := b.files(); !ok && !b.InsecureInternal {
		all = append(all, missing{"GATEHOUSE_TLS_", "Plaintext between services is refused: set GATEHOUSE_TLS_CERT, GATEHOUSE_TLS_KEY and GATEHOUSE_TLS_CA, " +
			"or INSECURE_INTERNAL=true on a network that nobody else can reach"})
	}
	return all
}
