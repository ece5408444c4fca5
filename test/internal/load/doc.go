// Package load keeps a cluster busy as people and apps do, and knows afterwards
// what was promised to them.
//
// A [Load] has workers that log in and out, ask who they are, sign in to an app,
// refresh its tokens, register and change a hub, each of them one request after
// the other and as a reasonable client would: what failed is tried again, after
// the time that the answer asks for. It notes every request ([Load.Phase] sums
// them up) and everything that was acknowledged: [Load.Verify] makes sure that
// all of that holds.
//
//	l := load.Start(t, load.Options{System: s, Sink: mails})
//	phase := l.Phase("kill accounts")
//	s.Kill("accounts")
//	s.Restart(t, "accounts")
//	l.AwaitWell(t)
//	t.Log(phase.End())
//	l.Verify(t, load.Expect{})
package load
