package resource

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	mine   = "1daa7da5ba074972eb3d4552414928f5201541f3"
	theirs = "2daa7da5ba074972eb3d4552414928f5201541f3"
)

func TestPrefixesOfHubs(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"https://api.example.org/hubs/{hub}/", "https://api.example.org/{hub}", "https://{hub}.api.example.org", "https://{hub}.api.example.org:8443/v1/",
		"HTTPS://API.example.org/hubs/{hub}/v1",
	} {
		_, err := NewHubSpaces([]string{good})
		require.NoError(t, err, good)
	}
	for _, bad := range []string{
		"", "https://api.example.org/", "http://api.example.org/{hub}", "/hubs/{hub}", "urn:{hub}", "https://api.example.org/hub-{hub}",
		"https://x{hub}.example.org", "https://api.example.org/{hub}/../x", "https://api.example.org/{hub}//x", "https://api.example.org/{hub}?x",
		"https://api.example.org/?hub={hub}", "https://api.example.org/{hub}#x", "https://u@api.example.org/{hub}", "https:///{hub}",
		"https://api.example.org/{hub}/{user}", "https://api.example.org/{hub}/%2e", "https://api.example.org/{hub}/ü", "https://api.example.org/{HUB}",
	} {
		_, err := NewHubSpaces([]string{"https://api.example.org/{hub}", bad})
		require.ErrorIs(t, err, ErrPrefix, bad)
	}
}

func TestResourcesOfHubs(t *testing.T) {
	t.Parallel()
	spaces, err := NewHubSpaces([]string{"https://api.example.org/hubs/{hub}/", "https://{hub}.apps.example.org"})
	require.NoError(t, err)
	assert.Equal(t, []string{"urn:gatehouse:hub:" + mine + ":", "https://api.example.org/hubs/" + mine + "/", "https://" + mine + ".apps.example.org"}, spaces.Of(mine))
	for _, name := range []string{
		"urn:gatehouse:hub:HUB:x", "urn:gatehouse:hub:HUB:x:y/z", "https://api.example.org/hubs/HUB", "https://api.example.org/hubs/HUB/",
		"https://api.example.org/hubs/HUB/reports/v1", "HTTPS://API.EXAMPLE.ORG:443/hubs/HUB/x", "https://api.example.org/%68ubs/HUB/x",
		"https://HUB.apps.example.org", "https://HUB.apps.example.org/x", "https://HUB.Apps.example.org/x/",
	} {
		name = strings.ReplaceAll(name, "HUB", mine)
		assert.True(t, spaces.Holds(mine, name), name)
		assert.False(t, spaces.Holds(theirs, name), name)
		assert.False(t, spaces.Holds("", name), name)
		assert.False(t, HubSpaces{}.Holds(mine, name) && !strings.HasPrefix(name, "urn:"), "without prefixes there are names alone: %s", name)
	}
	for _, name := range []string{
		"", "x", "urn:gatehouse:hub:HUB:", "urn:gatehouse:hub:HUB", "urn:gatehouse:hub:HUBx:y", "URN:gatehouse:hub:HUB:x", "urn:gatehouse:hub:OTHER:HUB:x",
		"urn:gatehouse:hub:HUB:x y", "urn:gatehouse:hub:HUB:ü", "urn:gatehouse:hub:HUB:x#y",
		"https://api.example.org/hubs/HUBx", "https://api.example.org/hubs/OTHER", "https://api.example.org/hubs", "https://api.example.org/", "https://api.example.org",
		"https://api.example.org/hubs/HUB/../OTHER/x", "https://api.example.org/hubs/HUB/%2e%2e/OTHER", "https://api.example.org/hubs/HUB/..%2fOTHER",
		"https://api.example.org/hubs/HUB/..;/OTHER", `https://api.example.org/hubs/HUB/..\OTHER`, "https://api.example.org/hubs/HUB/%252e%252e/OTHER",
		"https://api.example.org/hubs/HUB/./x", "https://api.example.org/hubs//HUB", "https://api.example.org//hubs/HUB", "https://api.example.org/hubs/HUB//x",
		"https://api.example.org/hubs/HUB/x%00", "https://api.example.org/hubs/HUB/x%0d", "https://api.example.org/hubs/HUB/ x", "https://api.example.org/hubs/HUB?x", "https://api.example.org/hubs/HUB/x?",
		"http://api.example.org/hubs/HUB", "https://api.example.org:8443/hubs/HUB", "https://u@api.example.org/hubs/HUB", "https://api.example.org@evil.example/hubs/HUB",
		"https://api.example.org./hubs/HUB", "https://evil.example/hubs/HUB", "https://api.example.org.evil.example/hubs/HUB",
		"https://OTHER.apps.example.org", "https://x.HUB.apps.example.org", "https://apps.example.org/HUB", "https:api.example.org/hubs/HUB",
		"https://api.example.org/hubs/HUB/" + strings.Repeat("x", 500), "https://api.example.org/hubs/HUB/\xff", "https://api.example.org/HUBS/HUB",
	} {
		name = strings.NewReplacer("HUB", mine, "OTHER", theirs).Replace(name)
		assert.False(t, spaces.Holds(mine, name), name)
	}
	assert.False(t, spaces.Holds(mine, "https://api.example.org/hubs/"+strings.ToUpper(mine)))
	assert.Empty(t, spaces.Of(""))
}
