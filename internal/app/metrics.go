package app

import (
	"context"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/assets"
)

// metrics are for the operator only: they are served on the operator's own listener.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "rochdale_request_seconds", Help: "Time to answer requests, by route.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5},
	}, []string{"route", "status"})}
	m.registry.MustRegister(m.requests, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) observe(pattern, _ string, status int, took time.Duration) {
	m.requests.WithLabelValues(pattern, strconv.Itoa(status)).Observe(took.Seconds())
}

// operator serves metrics and profiles.
func (m *metrics) operator() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// plain serves what every page needs, and answers who watches over the process: healthz that it runs,
// readyz that it can work.
func (a *App) plain() []web.Route {
	files := assets.Handler()
	return []web.Route{
		{Pattern: "GET " + assets.Prefix, Style: web.Plain, Handler: func(w http.ResponseWriter, r *http.Request) error {
			files.ServeHTTP(w, r)
			return nil
		}},
		{Pattern: "GET /healthz", Style: web.Plain, Handler: func(w http.ResponseWriter, _ *http.Request) error {
			return web.Bytes(w, http.StatusOK, "text/plain; charset=utf-8", []byte("ok\n"))
		}},
		{Pattern: "GET /readyz", Style: web.Plain, Handler: func(w http.ResponseWriter, r *http.Request) error {
			ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
			defer cancel()
			if err := a.DB.Ping(ctx); err != nil {
				return web.Bytes(w, http.StatusServiceUnavailable, "text/plain; charset=utf-8", []byte("the database does not answer\n"))
			}
			return web.Bytes(w, http.StatusOK, "text/plain; charset=utf-8", []byte("ready\n"))
		}},
	}
}
