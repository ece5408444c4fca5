// Package config reads a program's settings from environment variables into a
// struct, and reports everything that is wrong with them at once.
//
//	type Settings struct {
//		Listen  string        `env:"GATEHOUSE_LISTEN" envDefault:":8080" doc:"address to listen on"`
//		Drain   time.Duration `env:"GATEHOUSE_DRAIN" envDefault:"5s" doc:"how long to finish open requests"`
//		RootKey string        `env:"GATEHOUSE_ROOT_KEY,required" secret:"true" doc:"root keys, newest first"`
//		Mail    Mail          // nested structs belong to it; envPrefix:"…" puts a prefix before their names
//	}
//
// Values are parsed by github.com/caarlos0/env with its tags (env, envDefault,
// envPrefix, envSeparator). On top of it:
//
//   - secret:"true" keeps a value out of errors, of [Redacted] and of [Table],
//     and lets it be read from the file that NAME_FILE names, which is how
//     Docker and Kubernetes hand over secrets.
//   - A variable that is set but empty counts as not set.
//   - An unknown GATEHOUSE_ name is refused, because it is usually a typing error.
//   - The spaces around the items of a list do not count, nor do empty items.
//   - A []byte takes the value as it is.
//   - A setting's type, or a struct of settings, may have a [Validator].
//
// The same name may occur in several structs, provided that its default is the
// same: the standalone process loads the settings of every service at once.
package config

// Prefix is what the names of Gatehouse's own settings begin with. Names with
// another prefix can be settings too, but unknown ones are then nobody's error.
const Prefix = "GATEHOUSE_"

// Validator is what a struct of settings, or the type of one setting, may
// implement. Each string is one problem in words, without the value of a
// secret. [Load] calls it only when all the values beneath it could be read.
type Validator interface {
	Validate() []string
}
