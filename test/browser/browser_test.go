// Package browser_test takes a person through Gatehouse in a real browser.
package browser_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

func TestMain(m *testing.M) { system.Main(m) }

// TestFirstDay is the first thing a newcomer does: register, open the link from
// the mailbox, and sign in to the demo app.
func TestFirstDay(t *testing.T) {
	t.Parallel()
	s, demo := system.StandaloneWithDemo(t)
	b := open(t)
	const email, password = "newcomer@example.org", "a day to remember well"

	b.run("registering",
		chromedp.Navigate(s.URL+"/register"),
		fill(`input[name="first_name"]`, "Olli"),
		fill(`input[name="last_name"]`, "Kahn"),
		fill(`input[name="email"]`, email),
		b.looks("register"),
		submit(`form[action*="register"] button[type="submit"]`),
	)
	s.AwaitLink(t, email)
	b.run("opening the link from the mailbox",
		chromedp.Navigate(s.URL+"/mailbox"),
		b.looks("mailbox"),
		submit(`a[href*="/link/"]`),
		b.looks("link"),
		submit(`form[action*="/link"] button[type="submit"], form button[type="submit"]`),
	)
	b.run("choosing a password and a hub name",
		fill(`input[name="name"]`, "Lighthouse"),
		fill(`input[name="password"]`, password),
		fill(`input[name="password_confirmation"]`, password),
		chromedp.Click(chromedp.CSS(`input[name="terms"]`)),
		b.looks("activation"),
		submit(`form[action*="activation"] button[type="submit"]`),
		visible(`form[action*="logout"]`),
		b.shot("home"),
		submit(`form[action*="logout"] button`),
	)
	b.run("signing in to the demo app",
		chromedp.Navigate(demo),
		submit(`#sign-in`),
		fill(`input[name="user"]`, email),
		fill(`input[name="password"]`, password),
		b.looks("login"),
		submit(`form[action*="login"] button[type="submit"]`),
		visible(`button[value="allow"]`),
		b.looks("consent"),
		submit(`button[value="allow"]`),
		visible(`#id-token`),
		b.looks("signed-in"),
	)
	assert.Contains(t, b.text(`#id-token`), s.URL)
	info := b.text(`#userinfo`)
	assert.Contains(t, info, email)
	assert.Contains(t, info, "Lighthouse")
	b.run("refreshing", submit(`#refresh`))
	assert.Equal(t, "1", b.text(`#refreshes`))
}

// browser is headless Chromium.
type browser struct {
	t     *testing.T
	ctx   context.Context //nolint:containedctx // chromedp keeps its browser in it
	shots string
}

// open starts Chromium. Where there is none the test is skipped, and says so;
// under CI it fails.
func open(t *testing.T) *browser {
	t.Helper()
	path := chromium()
	if path == "" {
		testkit.NotRun(t, "no chromium, chromium-browser or google-chrome on PATH")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("lang", "en"),
	)
	allocator, end := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(end)
	ctx, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	return &browser{t: t, ctx: ctx, shots: os.Getenv("GATEHOUSE_SCREENSHOTS")}
}

func chromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// step is what a person does in the browser.
type step = chromedp.Action[chromedp.Void]

// run does the steps, within a minute.
func (b *browser) run(what string, steps ...step) {
	b.t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- chromedp.Do(b.ctx, steps...) }()
	select {
	case err := <-ended:
		require.NoError(b.t, err, what)
	case <-time.After(time.Minute):
		require.FailNow(b.t, what+" takes too long", "the browser shows:\n%s", b.shown())
	}
}

// shown is what can be told of a page that a step waits for in vain. A page that
// is still loading answers nothing, so it is not waited for.
func (b *browser) shown() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	page, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + (document.body ? document.body.innerText : "")`))
	if err != nil {
		return "nothing: " + err.Error()
	}
	return page
}

// text is that of the first element that the selector finds.
func (b *browser) text(selector string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(selector)))
	require.NoError(b.t, err)
	return text
}

// shot saves a picture of the page where GATEHOUSE_SCREENSHOTS names a folder.
func (b *browser) shot(name string) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if b.shots == "" {
			return nil
		}
		png, err := chromedp.FullScreenshot(100)(ctx, t)
		if err != nil {
			return fmt.Errorf("taking a picture of %s: %w", name, err)
		}
		return os.WriteFile(filepath.Join(b.shots, name+".png"), png, 0o600)
	})
}

func visible(selector string) step { return chromedp.WaitVisible(chromedp.CSS(selector)) }

func fill(selector, text string) step {
	return chromedp.Steps(visible(selector), chromedp.SendKeys(chromedp.CSS(selector), text))
}

// submit clicks and waits for the page behind the click.
func submit(selector string) step {
	return chromedp.Steps(visible(selector), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector)))
		return err
	}))
}
