package main

import (
	"fmt"
	"math"
	"math/rand"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const help = "How much there is of what is measured here"

var (
	bounds   = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}
	methods  = []string{"GET", "POST", "PUT", "DELETE", "PATCH"}
	statuses = []string{"200", "404", "429", "500"}
	labels   = []string{"method", "status", "instance"}
)

type random uint64

func (r *random) next() uint64 {
	x := uint64(*r)
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	*r = random(x)
	return x * 0x2545f4914f6cdd1d
}

func observations() (values [1024]float64) {
	source := random(0x9e3779b97f4a7c15)
	for i := range values {
		uniform := float64(source.next()>>11) / float64(uint64(1)<<53)
		values[i] = 0.0005 * math.Exp(math.Log(20000)*uniform)
	}
	return
}

func combinations() (calls [1024][2]int) {
	source := random(0x123456789abcdef1)
	for i := range calls {
		combination := int(source.next()>>32) % (len(methods) * len(statuses))
		calls[i] = [2]int{combination / len(statuses), combination % len(statuses)}
	}
	return
}

func pairs() [][2]string {
	pairs := make([][2]string, 1000)
	for i := range pairs {
		pairs[i] = [2]string{fmt.Sprintf("/api/v1/resource%d", i%40), fmt.Sprintf("customer-%03d", i/40)}
	}
	source := random(0x0fedcba987654321)
	for i := len(pairs) - 1; i > 0; i-- {
		j := int(source.next()>>32) % (i + 1)
		pairs[i], pairs[j] = pairs[j], pairs[i]
	}
	return pairs
}

func value(family, series int) float64 {
	digits := (family*104729 + series*7919) % 10000000
	if series%4 == 0 {
		return float64(digits / 100)
	}
	return float64(digits) / 100
}

func labelValues(series int) []string {
	return []string{
		methods[series%len(methods)],
		statuses[series/len(methods)%len(statuses)],
		fmt.Sprintf("host-%04d.example.com", series),
	}
}

// fill gives what it made of gauges, so that their values can change.
func fill(registry *prometheus.Registry, shape string, perFamily int) []prometheus.Gauge {
	var gauges []prometheus.Gauge
	switch shape {
	case "One":
		gauge := prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "app_active_sessions", Help: "Number of active user sessions",
		})
		gauge.Set(45)
		registry.MustRegister(gauge)
		gauges = append(gauges, gauge)
	case "Gauges":
		for number := 0; number < 100; number++ {
			family := prometheus.NewGaugeVec(
				prometheus.GaugeOpts{Name: fmt.Sprintf("bench_queue_depth_%02d", number), Help: help}, labels)
			registry.MustRegister(family)
			for series := 0; series < perFamily; series++ {
				gauge := family.WithLabelValues(labelValues(series)...)
				gauge.Set(value(number, series))
				gauges = append(gauges, gauge)
			}
		}
	case "Histograms":
		values := observations()
		for number := 0; number < 10; number++ {
			family := prometheus.NewHistogramVec(prometheus.HistogramOpts{
				Name: fmt.Sprintf("bench_latency_seconds_%02d", number), Help: help, Buckets: bounds,
			}, labels)
			registry.MustRegister(family)
			for series := 0; series < 100; series++ {
				histogram := family.WithLabelValues(labelValues(series)...)
				for i := 0; i < 64; i++ {
					histogram.Observe(values[(number*331+series*17+i*13)%len(values)])
				}
			}
		}
	}
	return gauges
}

// serve is the exercise's server; with 10 000 series all of them change every second.
func serve(port, series string) {
	registry := prometheus.NewRegistry()
	if series == "1" {
		gauge := fill(registry, "One", 0)[0]
		go func() {
			for range time.Tick(5 * time.Second) {
				gauge.Set(float64(10 + rand.Intn(91)))
			}
		}()
	} else {
		count, _ := strconv.Atoi(series)
		gauges := fill(registry, "Gauges", count/100)
		go func() {
			turn := 0
			for range time.Tick(time.Second) {
				turn++
				for i, gauge := range gauges {
					gauge.Set(value(i/(count/100), i%(count/100)+turn))
				}
			}
		}()
	}
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	if err := http.ListenAndServe("127.0.0.1:"+port, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
