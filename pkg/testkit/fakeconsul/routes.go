package fakeconsul

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/consul/api"
)

// Consul's own limits on how long a blocking query waits.
const (
	defaultWait = 5 * time.Minute
	maximumWait = 10 * time.Minute
)

const (
	node    = "fakeconsul"
	address = "127.0.0.1"
)

func (c *Consul) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /v1/agent/service/register", c.serveRegister)
	mux.HandleFunc("PUT /v1/agent/service/deregister/{id}", c.serveDeregister)
	mux.HandleFunc("GET /v1/agent/service/{id}", c.serveService)
	mux.HandleFunc("GET /v1/agent/services", c.serveServices)
	mux.HandleFunc("GET /v1/health/service/{name}", c.serveHealth)
	mux.HandleFunc("GET /v1/agent/self", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]any{"Config": map[string]any{"Datacenter": "dc1", "NodeName": node, "Server": true}})
	})
	mux.HandleFunc("GET /v1/status/leader", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, address+":8300")
	})
	return mux
}

// ServeHTTP implements http.Handler.
func (c *Consul) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if away, _ := c.state(); away {
		panic(http.ErrAbortHandler) // drops the connection
	}
	c.mu.Lock()
	refused := c.refusal
	c.mu.Unlock()
	if refused.status != 0 {
		http.Error(w, refused.text, refused.status)
		return
	}
	c.mux.ServeHTTP(w, r)
}

func (c *Consul) serveRegister(w http.ResponseWriter, r *http.Request) {
	var registration api.AgentServiceRegistration
	if err := json.NewDecoder(r.Body).Decode(&registration); err != nil {
		http.Error(w, "Request decode failed: "+err.Error(), http.StatusBadRequest)
		return
	}
	if registration.Name == "" {
		http.Error(w, "Missing service name", http.StatusBadRequest)
		return
	}
	if registration.ID == "" {
		registration.ID = registration.Name
	}
	c.register(registration)
}

func (c *Consul) serveDeregister(w http.ResponseWriter, r *http.Request) {
	if id := r.PathValue("id"); !c.Remove(id) {
		http.Error(w, "Unknown service ID "+strconv.Quote(id)+". Ensure that the service ID is passed, not the service name.", http.StatusNotFound)
	}
}

func (c *Consul) serveService(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	s, ok := c.services[r.PathValue("id")]
	var found *api.AgentService
	if ok {
		found = s.agentService()
	}
	c.mu.Unlock()
	if !ok {
		http.Error(w, "unknown service ID: "+r.PathValue("id"), http.StatusNotFound)
		return
	}
	reply(w, found)
}

func (c *Consul) serveServices(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	all := map[string]*api.AgentService{}
	for id, s := range c.services {
		all[id] = s.agentService()
	}
	c.mu.Unlock()
	reply(w, all)
}

// serveHealth is a blocking query when ?index is given: it answers once the
// service has changed after that index, or when ?wait is over. Like Consul's it
// waits in vain for an index from before the agent lost its data.
func (c *Consul) serveHealth(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	after, err := parseIndex(query.Get("index"))
	if err != nil {
		http.Error(w, "Invalid index", http.StatusBadRequest)
		return
	}
	wait, err := parseWait(query.Get("wait"))
	if err != nil {
		http.Error(w, "Invalid wait time", http.StatusBadRequest)
		return
	}
	_, outages := c.state()
	timer := c.clock.NewTimer(wait)
	defer timer.Stop()
	for waiting := after > 0; ; {
		entries, index, signal, hidden := c.entries(r.PathValue("name"), query.Get("tag"), query.Has(api.HealthPassing))
		if !waiting || index > after {
			w.Header().Set("X-Consul-Index", strconv.FormatUint(index, 10))
			w.Header().Set("X-Consul-Knownleader", "true")
			w.Header().Set("X-Consul-Lastcontact", "0")
			if hidden && after == 0 { // as in Consul, a blocking query does not tell
				w.Header().Set("X-Consul-Results-Filtered-By-Acls", "true")
			}
			reply(w, entries)
			return
		}
		select {
		case <-signal:
			if _, now := c.state(); now != outages {
				panic(http.ErrAbortHandler)
			}
		case <-timer.Chan():
			waiting = false
		case <-r.Context().Done():
			return
		}
	}
}

func (c *Consul) state() (away bool, outages int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.away, c.outages
}

func (c *Consul) entries(name, tag string, passingOnly bool) (_ []*api.ServiceEntry, index uint64, signal <-chan struct{}, hidden bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entries := make([]*api.ServiceEntry, 0, len(c.services))
	for id, s := range c.services {
		switch {
		case s.registration.Name != name,
			tag != "" && !slices.Contains(s.registration.Tags, tag),
			passingOnly && s.status != api.HealthPassing:
			continue
		}
		entry := &api.ServiceEntry{Node: &api.Node{Node: node, Address: address}, Service: s.agentService()}
		if s.check != nil {
			entry.Checks = api.HealthChecks{{
				Node: node, CheckID: "service:" + id, ServiceID: id, ServiceName: name, Status: s.status, Output: s.output,
			}}
		}
		entries = append(entries, entry)
	}
	slices.SortFunc(entries, func(a, b *api.ServiceEntry) int { return cmp.Compare(a.Service.CreateIndex, b.Service.CreateIndex) })
	if c.hidden && len(entries) > 0 {
		entries, hidden = entries[:0], true
	}
	return entries, max(c.changed[name], 1), c.signal, hidden
}

func (s *service) agentService() *api.AgentService {
	return &api.AgentService{
		ID:          s.registration.ID,
		Service:     s.registration.Name,
		Tags:        s.registration.Tags,
		Meta:        s.registration.Meta,
		Address:     s.registration.Address,
		Port:        s.registration.Port,
		CreateIndex: s.created,
		ModifyIndex: s.modified,
	}
}

func parseIndex(text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	return strconv.ParseUint(text, 10, 64)
}

func parseWait(text string) (time.Duration, error) {
	if text == "" {
		return defaultWait, nil
	}
	wait, err := time.ParseDuration(text)
	if wait == 0 {
		wait = defaultWait
	}
	return min(wait, maximumWait), err
}

func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the client has gone: nobody to tell
}
