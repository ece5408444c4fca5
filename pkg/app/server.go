package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Server is one port that a Group serves.
type Server struct {
	Name string
	// Listen is host:port; port 0 takes a free one, see Addr.
	Listen  string
	Handler http.Handler
	// TLS, if set, is spoken, with HTTP/2.
	TLS *tls.Config
	// WriteTimeout bounds a request with its response; 0 is a minute.
	WriteTimeout time.Duration
	Logger       *slog.Logger

	listener net.Listener
	server   *http.Server
	cut      context.CancelFunc // ends the contexts of requests
	leaving  atomic.Bool        // the port is about to close
}

// Limits of every server.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = time.Minute
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// Addr is where the server listens; nil before the group runs.
func (s *Server) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// listen opens the ports of all servers, or none.
func (g *Group) listen(ctx context.Context) error {
	for i, s := range g.servers {
		if err := s.listen(ctx); err != nil {
			for _, opened := range g.servers[:i] {
				opened.cut()
				_ = opened.listener.Close() // the first error is the one to tell
			}
			return err
		}
	}
	return nil
}

func (s *Server) listen(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	s.listener = listener
	s.server = &http.Server{
		Handler:           s.dismissing(),
		TLSConfig:         s.TLS,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}
	if s.WriteTimeout > 0 {
		s.server.WriteTimeout = s.WriteTimeout
	}
	logger := s.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s.server.ErrorLog = slog.NewLogLogger(logger.With("server", s.Name).Handler(), slog.LevelWarn)
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	s.server.BaseContext = func(net.Listener) context.Context { return base }
	s.cut = cut
	return nil
}

// dismissing tells clients, from when the group drains, not to use their connections
// again (in HTTP/2 by GOAWAY). A balancer that keeps some open would otherwise send
// a request on one in the very moment in which the port closes, and could not tell
// whether it was seen.
func (s *Server) dismissing() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		s.Handler.ServeHTTP(w, r)
	})
}

// serve returns nil when the server was shut down.
func (s *Server) serve() error {
	var err error
	if s.TLS != nil {
		err = s.server.ServeTLS(s.listener, "", "")
	} else {
		err = s.server.Serve(s.listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// shutdown closes the port, waits for requests in flight and cuts them off when
// their time is over.
func (s *Server) shutdown(ctx context.Context, limit time.Duration) error {
	defer s.cut()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if err != nil {
		s.cut()
		err = errors.Join(err, s.server.Close())
	}
	return err
}
