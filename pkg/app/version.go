package app

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker for a release:
// -ldflags "-X github.com/gatehouse-id/gatehouse/pkg/app.version=v1.2.3".
var version string

// Version is the version of the program: the release, else what the Go tool
// knows about the commit, else "devel".
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	if commit := vcs(info)["vcs.revision"]; commit != "" {
		return "devel-" + commit[:min(12, len(commit))]
	}
	return "devel"
}

// versionLine is what the command "version" prints.
func versionLine(service string) string {
	line := fmt.Sprintf("%s %s (%s %s/%s", service, Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if info, ok := debug.ReadBuildInfo(); ok {
		if commit := vcs(info)["vcs.revision"]; commit != "" {
			line += ", commit " + commit
		}
	}
	return line + ")"
}

func vcs(info *debug.BuildInfo) map[string]string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	return settings
}
