"""The peer prometheus_client: records and encodes on request, or serves over HTTP.

Its workload is that of ../src/workload.rs; the tool compares the outputs before it times anything.
"""

import math
import random
import sys
import threading
import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, start_http_server

HELP = "How much there is of what is measured here"
BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0]
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]
STATUSES = ["200", "404", "429", "500"]
LABELS = ["method", "status", "instance"]
WORD = (1 << 64) - 1


def numbers(x):
    while True:
        x ^= x << 13 & WORD
        x ^= x >> 7
        x ^= x << 17 & WORD
        yield x * 0x2545F4914F6CDD1D & WORD


def observations():
    source = numbers(0x9E3779B97F4A7C15)
    return [0.0005 * math.exp(math.log(20000) * ((next(source) >> 11) / (1 << 53))) for _ in range(1024)]


def combinations():
    source = numbers(0x123456789ABCDEF1)
    picked = [(next(source) >> 32) % (len(METHODS) * len(STATUSES)) for _ in range(1024)]
    return [(METHODS[p // len(STATUSES)], STATUSES[p % len(STATUSES)]) for p in picked]


def pairs():
    made = [(f"/api/v1/resource{i % 40}", f"customer-{i // 40:03}") for i in range(1000)]
    source = numbers(0x0FEDCBA987654321)
    for i in range(len(made) - 1, 0, -1):
        j = (next(source) >> 32) % (i + 1)
        made[i], made[j] = made[j], made[i]
    return made


def value(family, series):
    digits = (family * 104729 + series * 7919) % 10000000
    return float(digits // 100) if series % 4 == 0 else digits / 100


def label_values(series):
    return (METHODS[series % 5], STATUSES[series // 5 % 4], f"host-{series:04}.example.com")


def fill(registry, shape, per_family):
    """Gives the gauges it made, so that their values can change."""
    gauges = []
    if shape == "One":
        gauge = Gauge("app_active_sessions", "Number of active user sessions", registry=registry)
        gauge.set(45)
        gauges.append(gauge)
    elif shape == "Gauges":
        for number in range(100):
            family = Gauge(f"bench_queue_depth_{number:02}", HELP, LABELS, registry=registry)
            for series in range(per_family):
                gauge = family.labels(*label_values(series))
                gauge.set(value(number, series))
                gauges.append(gauge)
    else:
        values = observations()
        for number in range(10):
            family = Histogram(f"bench_latency_seconds_{number:02}", HELP, LABELS, registry=registry, buckets=BOUNDS)
            for series in range(100):
                histogram = family.labels(*label_values(series))
                for i in range(64):
                    histogram.observe(values[(number * 331 + series * 17 + i * 13) % 1024])
    return gauges


def record(row, registry):
    if row == "CounterInc":
        counter = Counter("bench_requests", HELP, registry=registry)
        return lambda i: counter.inc()
    if row in ("GaugeSet", "GaugeIncDec"):
        gauge = Gauge("bench_temperature_celsius", HELP, registry=registry)
        if row == "GaugeSet":
            return lambda i: gauge.set(i & 1023)
        return lambda i: gauge.dec() if i & 1 else gauge.inc()
    if row == "Histogram":
        histogram = Histogram("bench_latency_seconds", HELP, registry=registry, buckets=BOUNDS)
        values = observations()
        return lambda i: histogram.observe(values[i & 1023])
    if row in ("Lookup", "Handle"):
        counters = Counter("bench_http_requests", HELP, ["method", "status"], registry=registry)
        calls = combinations()
        if row == "Lookup":
            return lambda i: counters.labels(*calls[i & 1023]).inc()
        handles = [counters.labels(*call) for call in calls]
        return lambda i: handles[i & 1023].inc()
    if row == "Dynamic":
        counters = Counter("bench_route_requests", HELP, ["route", "customer"], registry=registry)
        keys = pairs()
        return lambda i: counters.labels(*keys[i % 1000]).inc()
    return None


def measure(operation, threads, iterations):
    """The mean wall time. Threads share one interpreter lock, so CPU time tells nothing of two."""
    begin = threading.Barrier(threads)
    walls = []
    cpus = []

    def work():
        begin.wait()
        cpu, wall = time.thread_time_ns(), time.perf_counter_ns()
        for i in range(iterations):
            operation(i)
        walls.append(time.perf_counter_ns() - wall)
        cpus.append(time.thread_time_ns() - cpu)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    wall = sum(walls) // threads
    return wall, min(cpus) if threads == 1 else wall


def bench():
    registry = operation = None
    for line in sys.stdin:
        words = line.split()
        if words[0] == "record":
            registry = CollectorRegistry()
            operation = record(words[1], registry)
            print("ok" if operation else "none", flush=True)
        elif words[0] == "expose":
            registry = CollectorRegistry()
            if words[3] == "Text":
                fill(registry, words[1], int(words[2]))
                operation = lambda i: generate_latest(registry)
            print("ok" if words[3] == "Text" else "none", flush=True)
        elif words[0] == "run":
            print(*measure(operation, int(words[1]), int(words[2])), flush=True)
        elif words[0] == "exposition":
            body = generate_latest(registry)
            print(len(body), flush=True)
            sys.stdout.buffer.write(body)
            sys.stdout.buffer.flush()


def serve(port, series):
    """The exercise's server; with 10 000 series all of them change every second."""
    registry = CollectorRegistry()
    per_family = series // 100
    gauges = fill(registry, "One" if series == 1 else "Gauges", per_family)
    start_http_server(port, addr="127.0.0.1", registry=registry)
    turn = 0
    while True:
        if series == 1:
            time.sleep(5)
            gauges[0].set(random.randint(10, 100))
        else:
            time.sleep(1)
            turn += 1
            for i, gauge in enumerate(gauges):
                gauge.set(value(i // per_family, i % per_family + turn))


if __name__ == "__main__":
    from prometheus_client import disable_created_metrics

    # Nobody else exposes when a counter was created.
    disable_created_metrics()
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]), int(sys.argv[3]))
    else:
        bench()
