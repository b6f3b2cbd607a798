// One gauge with client_golang behind exporter-toolkit and its web configuration file: PORT FILE.
package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/exporter-toolkit/web"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: PORT FILE")
		os.Exit(2)
	}
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "app_active_sessions", Help: "Number of active user sessions",
	})
	gauge.Set(45)
	registry := prometheus.NewRegistry()
	registry.MustRegister(gauge)
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	addresses := []string{"127.0.0.1:" + os.Args[1]}
	systemd := false
	flags := &web.FlagConfig{
		WebListenAddresses: &addresses, WebSystemdSocket: &systemd, WebConfigFile: &os.Args[2],
	}
	if err := web.ListenAndServe(&http.Server{}, flags, log.NewNopLogger()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
