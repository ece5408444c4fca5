package cluster_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/test/internal/load"
	"github.com/gatehouse-id/gatehouse/test/internal/sink"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// disk is a small file system of its own, or only a folder where none can be
// mounted.
type disk struct {
	dir     string
	missing error
}

// smallDisk mounts one, for which it has to be root. Its size is as mount has it.
func smallDisk(t *testing.T, size string) disk {
	t.Helper()
	// PostgreSQL runs as another user, who is let neither into a test's own folder nor into
	// a TMPDIR that is root's.
	dir, err := os.MkdirTemp("/tmp", "gatehouse-disk-") //nolint:usetesting // see above
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=0755"); err != nil {
		return disk{dir, err}
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return disk{dir: dir}
}

// require ends a test that cannot be run without a disk of its own.
func (d disk) require(t *testing.T) {
	t.Helper()
	if d.missing != nil {
		testkit.NotRun(t, "a full disk takes a small file system, which root can mount: "+d.missing.Error())
	}
}

func (d disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill leaves no byte.
func (d disk) fill(t *testing.T) {
	t.Helper()
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	for chunk := make([]byte, 64<<10); len(chunk) > 0; {
		if _, err = f.Write(chunk); err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			chunk = chunk[:len(chunk)/2]
		}
	}
}

// free gives the space back.
func (d disk) free(t *testing.T) {
	t.Helper()
	require.NoError(t, os.Remove(d.ballast()))
}

// TestFullDisk fills the disk under all databases of a standalone Gatehouse, of
// which that of the mails is one. What was acknowledged stays, the rest is
// refused with 503, and all goes on once there is space.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "64m") // enough for the databases and what a load writes in minutes
	disk.require(t)
	mails := sink.New(t)
	s, start := system.StandaloneProcess(t, system.StandaloneOptions{
		DataDir: disk.dir, Sink: mails, Environ: []string{"GATEHOUSE_LOG_LEVEL=info"},
	})
	start()
	l := load.Start(t, load.Options{System: s, Sink: mails})
	l.AwaitWell(t)
	phase := l.Phase("full disk (standalone, SQLite)")
	disk.fill(t)
	l.AwaitFailure(t, load.Register)
	l.AwaitFailure(t, load.Login)
	last(outage(time.Second, 30*time.Second))
	disk.free(t)
	l.AwaitWell(t)
	report := phase.End()
	t.Log(report)
	refusedAsUnavailable(t, report)
	// What was sent cannot be noted, and is sent again, as the same mail.
	l.Verify(t, load.Expect{Repeats: true})
	show(t, []load.Report{report})
}

// refusedAsUnavailable makes sure that clients were told to come back later.
func refusedAsUnavailable(t *testing.T, report load.Report) {
	t.Helper()
	assert.NotZero(t, report.Failed)
	for reason := range report.Failures {
		assert.Regexp(t, "503|temporarily_unavailable", reason, "what cannot be written is refused as unavailable")
		assert.NotContains(t, reason, load.Unasked)
	}
}

// fullPostgres fills the disk of PostgreSQL. It refuses what takes space, crashes
// when its log has none left, and cannot recover before it has some again; whoever
// looks after it starts it then.
func (d *town) fullPostgres(t *testing.T) {
	t.Helper()
	d.disk.require(t)
	d.disk.fill(t)
	d.load.AwaitFailure(t, load.Register)
	last(outage(time.Second, 30*time.Second))
	system.Eventually(t, "PostgreSQL to crash", func() bool {
		d.disk.fill(t) // with what it has given back
		return d.postgres.TryExec("postgres", "SELECT pg_switch_wal()") != nil
	})
	d.load.AwaitFailure(t)
	last(outage(time.Second, 30*time.Second))
	d.disk.free(t)
	system.Eventually(t, "PostgreSQL to be there again", func() bool {
		if !d.postgres.Running(t) {
			t.Log("PostgreSQL had ended, and is started again")
			d.postgres.Start(t)
		}
		return d.postgres.TryExec("postgres", "SELECT 1") == nil
	})
}

// fullMail fills the disk of the mail service's database alone. Nobody else notices:
// what is to be mailed waits where it was decided.
func (d *town) fullMail(t *testing.T) {
	t.Helper()
	d.mailDisk.require(t)
	before := d.Logs.Count("could not extend file")
	d.mailDisk.fill(t)
	system.Eventually(t, "mail to run out of space", func() bool { return d.Logs.Count("could not extend file") > before })
	last(outage(time.Second, 30*time.Second))
	d.load.AwaitWell(t)
	d.mailDisk.free(t)
}
