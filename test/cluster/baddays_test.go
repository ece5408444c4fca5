package cluster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/test/internal/load"
	"github.com/gatehouse-id/gatehouse/test/internal/sink"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// town is a cluster under load with all that it stands on.
type town struct {
	*system.System
	load     *load.Load
	postgres *testkit.PostgresServer
	consul   *system.Consul
	redis    *redis
	mails    *sink.Server
	disk     disk // of PostgreSQL
	mailDisk disk // of the database of mail, which is one of its own
	reports  []load.Report
}

// TestBadDays has one process of each service, but two gateways: what is away is
// missed. Each drill ends with everything well again, and with all promises kept.
func TestBadDays(t *testing.T) { //nolint:tparallel // one day after the other, under one load
	t.Parallel()
	d := &town{consul: system.StartConsul(t), redis: startRedis(t), mails: sink.New(t), disk: smallDisk(t, "384m"), mailDisk: smallDisk(t, "64m")}
	d.postgres = testkit.StartPostgresServer(t, testkit.PostgresServerOptions{
		Folder:   d.disk.dir,
		Settings: "synchronous_commit = on\nfull_page_writes = on\nfsync = on\nautovacuum = on\nmin_wal_size = 32MB\nmax_wal_size = 64MB",
	})
	d.postgres.Exec(t, "postgres", "CREATE TABLESPACE mails LOCATION '"+d.postgres.OwnFolder(t, d.mailDisk.dir)+"'")
	d.postgres.Exec(t, "postgres", "CREATE DATABASE mails TABLESPACE mails")
	d.System = system.ClusterWith(t, system.ClusterOptions{
		Replicas: 1, DatabaseURL: d.postgres.URL("postgres"), Consul: d.consul, Redis: d.redis.address, Sink: d.mails,
		Environ: []string{"GATEHOUSE_LOG_LEVEL=info"},
		Of:      map[string][]string{"mail": {"GATEHOUSE_DATABASE_URL=" + d.postgres.URL("mails")}},
	})
	d.load = load.Start(t, load.Options{System: d.System, Sink: d.mails})
	d.load.AwaitWell(t)

	for _, service := range []string{"accounts", "sessions", "oauth", "mail"} {
		d.drill(t, "kill -9 of "+service, load.Expect{Repeats: service == "mail"}, func(t *testing.T) {
			d.Kill(service)
			last(outage(time.Second, 20*time.Second))
			d.Restart(t, service)
		})
	}
	d.drill(t, "kill -9 of one of two gateways", load.Expect{}, func(t *testing.T) {
		d.Kill("gateway 2")
		last(outage(time.Second, 20*time.Second))
		d.Restart(t, "gateway 2")
	})
	for _, mode := range []string{"fast", "immediate"} {
		d.drill(t, "restart of PostgreSQL, "+mode, load.Expect{Repeats: true}, func(t *testing.T) {
			d.postgres.Stop(t, mode)
			last(outage(time.Second, 30*time.Second))
			d.postgres.Start(t)
		})
	}
	d.drill(t, "restart of Consul", load.Expect{}, func(*testing.T) {
		d.consul.Stop()
		last(outage(2*time.Second, time.Minute))
		d.consul.Start()
	})
	d.drill(t, "restart of Redis", load.Expect{}, func(*testing.T) {
		d.redis.stop()
		last(outage(2*time.Second, 20*time.Second))
		d.redis.start()
	})
	d.drill(t, "expired certificate of sessions", load.Expect{}, d.expire)
	if report, run := d.drill(t, "full disk of PostgreSQL", load.Expect{Repeats: true}, d.fullPostgres); run {
		refusedAsUnavailable(t, report)
	}
	report, _ := d.drill(t, "full disk of the database of mail", load.Expect{Repeats: true}, d.fullMail)
	assert.Zero(t, report.Failed, "nobody but mail needs its database: %s", report)
	d.drill(t, "no SMTP server", load.Expect{MailWithin: 20 * time.Minute}, func(*testing.T) {
		d.mails.Stop()
		last(outage(2*time.Second, 10*time.Minute))
		d.mails.Start()
	})
	show(t, d.reports)
	t.Logf("families of refresh tokens whose clients came too late for a lost answer: %d", d.load.Lost())
}

// drill does something bad and undoes it, under load. Its report is of a drill that
// was run.
func (d *town) drill(t *testing.T, name string, e load.Expect, do func(t *testing.T)) (report load.Report, run bool) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		phase := d.load.Phase(name)
		do(t)
		d.load.AwaitWell(t)
		report, run = phase.End(), true
		d.reports = append(d.reports, report)
		t.Log(report)
		d.load.Verify(t, e)
	})
	return report, run
}

// expire lets the certificate of sessions expire, has a gateway connect anew,
// which is refused, and renews the files.
func (d *town) expire(t *testing.T) {
	t.Helper()
	files := d.Certificate("sessions")
	expires := time.Now().Add(5 * time.Second)
	d.Authority.Replace(files, testkit.Leaf{Service: "sessions", NotAfter: expires})
	system.Eventually(t, "the files to be read", func() bool {
		known := metricOf(t, d.Debug["sessions"], "gatehouse_tls_certificate_expiry_timestamp_seconds")
		return known > 0 && known < float64(expires.Unix())+1
	})
	system.Eventually(t, "the certificate to expire", func() bool { return time.Now().After(expires) })
	d.Kill("gateway 2")
	d.Restart(t, "gateway 2") // its connections are new ones, the other's stay open
	d.load.AwaitFailure(t, load.Session)
	last(outage(0, 20*time.Second))
	d.Authority.Replace(files, testkit.Leaf{Service: "sessions"})
}
