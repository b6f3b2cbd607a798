// The peer client_golang: records and encodes on request, or serves over HTTP.
// Its workload is that of ../src/workload.rs; the tool compares the outputs before it times anything.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"golang.org/x/sys/unix"
)

var encodingFormat = expfmt.FmtText

type operation func(iterations int)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "serve" {
		serve(os.Args[2], os.Args[3])
		return
	}
	var run operation
	var gatherer *prometheus.Registry
	requests := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	for requests.Scan() {
		words := strings.Fields(requests.Text())
		switch words[0] {
		case "record":
			gatherer = prometheus.NewRegistry()
			run = record(words[1], gatherer)
			answer(out, run != nil)
		case "expose":
			gatherer = prometheus.NewRegistry()
			perFamily, _ := strconv.Atoi(words[2])
			fill(gatherer, words[1], perFamily)
			if words[3] == "Protobuf" {
				encodingFormat = expfmt.FmtProtoDelim
			}
			buffer := &bytes.Buffer{}
			run = func(iterations int) {
				for i := 0; i < iterations; i++ {
					buffer.Reset()
					encode(gatherer, buffer)
				}
			}
			answer(out, true)
		case "run":
			threads, _ := strconv.Atoi(words[1])
			iterations, _ := strconv.Atoi(words[2])
			wall, cpu := measure(run, threads, iterations)
			fmt.Fprintf(out, "%d %d\n", wall, cpu)
		case "exposition":
			buffer := &bytes.Buffer{}
			encode(gatherer, buffer)
			fmt.Fprintf(out, "%d\n%s", buffer.Len(), buffer.Bytes())
		}
		out.Flush()
	}
}

func answer(out *bufio.Writer, has bool) {
	if has {
		fmt.Fprintln(out, "ok")
	} else {
		fmt.Fprintln(out, "none")
	}
}

func encode(gatherer prometheus.Gatherer, buffer *bytes.Buffer) {
	families, err := gatherer.Gather()
	if err != nil {
		panic(err)
	}
	encoder := expfmt.NewEncoder(buffer, encodingFormat)
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			panic(err)
		}
	}
}

// measure has threads run iterations each, and gives the mean wall time and the smallest CPU time.
func measure(run operation, threads, iterations int) (int64, int64) {
	var begin, done sync.WaitGroup
	begin.Add(threads)
	done.Add(threads)
	walls := make([]int64, threads)
	cpus := make([]int64, threads)
	for thread := 0; thread < threads; thread++ {
		go func(thread int) {
			runtime.LockOSThread()
			defer done.Done()
			begin.Done()
			begin.Wait()
			cpu := threadTime()
			wall := time.Now()
			run(iterations)
			walls[thread] = time.Since(wall).Nanoseconds()
			cpus[thread] = threadTime() - cpu
		}(thread)
	}
	done.Wait()
	var total int64
	smallest := cpus[0]
	for thread := range walls {
		total += walls[thread]
		if cpus[thread] < smallest {
			smallest = cpus[thread]
		}
	}
	return total / int64(threads), smallest
}

func threadTime() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now); err != nil {
		panic(err)
	}
	return now.Nano()
}

func record(row string, registry *prometheus.Registry) operation {
	switch row {
	case "CounterInc":
		counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "bench_requests_total", Help: help})
		registry.MustRegister(counter)
		return repeat(func(int) { counter.Inc() })
	case "GaugeSet", "GaugeIncDec":
		gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "bench_temperature_celsius", Help: help})
		registry.MustRegister(gauge)
		if row == "GaugeSet" {
			return repeat(func(i int) { gauge.Set(float64(i & 1023)) })
		}
		return repeat(func(i int) {
			if i&1 == 0 {
				gauge.Inc()
			} else {
				gauge.Dec()
			}
		})
	case "Histogram":
		histogram := prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "bench_latency_seconds", Help: help, Buckets: bounds,
		})
		registry.MustRegister(histogram)
		values := observations()
		return repeat(func(i int) { histogram.Observe(values[i&1023]) })
	case "Lookup", "Handle":
		counters := prometheus.NewCounterVec(
			prometheus.CounterOpts{Name: "bench_http_requests_total", Help: help}, []string{"method", "status"})
		registry.MustRegister(counters)
		calls := combinations()
		if row == "Lookup" {
			return repeat(func(i int) {
				call := calls[i&1023]
				counters.WithLabelValues(methods[call[0]], statuses[call[1]]).Inc()
			})
		}
		var handles [1024]prometheus.Counter
		for i, call := range calls {
			handles[i] = counters.WithLabelValues(methods[call[0]], statuses[call[1]])
		}
		return repeat(func(i int) { handles[i&1023].Inc() })
	case "Dynamic":
		counters := prometheus.NewCounterVec(
			prometheus.CounterOpts{Name: "bench_route_requests_total", Help: help}, []string{"route", "customer"})
		registry.MustRegister(counters)
		pairs := pairs()
		return repeat(func(i int) {
			pair := pairs[i%1000]
			counters.WithLabelValues(pair[0], pair[1]).Inc()
		})
	}
	return nil
}

func repeat(one func(i int)) operation {
	return func(iterations int) {
		for i := 0; i < iterations; i++ {
			one(i)
		}
	}
}
