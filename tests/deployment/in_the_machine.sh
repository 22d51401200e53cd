#!/bin/bash
# What is tried in the machine that rehearse_units.py starts; a failure ends it, and END is then not written.
set -euxo pipefail

key='X-API-Key: rehearsal'
until curl -sf http://127.0.0.1:9080/readyz && curl -sf -o /dev/null http://127.0.0.1:9180/; do sleep 1; done
answer() { curl -s -o /dev/null -w '%{http_code}' -H "$key" http://127.0.0.1:8080/; }
metric() { curl -s http://127.0.0.1:9080/metrics | grep -F "$1 " | cut -d ' ' -f 2; }
pid() { systemctl show -p MainPID --value "ratelimiter-$1"; }

# The service behind is away: what Redis admits is a 502.
[ "$(answer)" = 502 ]
sleep 1
[ "$(metric 'gateway_decisions_total{by="redis"}')" -ge 1 ]
[ "$(metric 'gateway_decisions_total{by="fallback"}')" = 0 ]
[ "$(curl -s http://127.0.0.1:9180/metrics | grep -F 'subject_redis_connected ' | tail -n 1 | cut -d ' ' -f 2)" = 1 ]

# Nobody's user, no rights, and no secret in the environment.
for unit in gateway subject; do
    grep -E '^(CapEff|CapBnd):\s+0000000000000000$' "/proc/$(pid $unit)/status"
    grep -E '^NoNewPrivs:\s+1$' "/proc/$(pid $unit)/status"
    grep -E '^Seccomp:\s+2$' "/proc/$(pid $unit)/status"
    [ "$(stat -c %u "/proc/$(pid $unit)")" -gt 60000 ]
    if tr '\0' '\n' <"/proc/$(pid $unit)/environ" | grep -E 'redis://|SECRET|TOKEN'; then exit 1; fi
    if systemctl show "ratelimiter-$unit" | grep -E 'redis://'; then exit 1; fi
    systemd-analyze security --no-pager --threshold=12 "ratelimiter-$unit" | tail -1
done

systemctl reload ratelimiter-gateway
until [ "$(metric 'gateway_reloads_total{outcome="done"}')" = 1 ]; do sleep 0.2; done

# One of the workers ends, then all of it.
kill -9 "$(tail -n 1 /sys/fs/cgroup/system.slice/ratelimiter-gateway.service/cgroup.procs)"
until [ "$(answer)" = 502 ]; do sleep 0.5; done
[ "$(systemctl show -p NRestarts --value ratelimiter-gateway)" = 0 ]
kill -9 "$(pid gateway)"
until [ "$(systemctl show -p NRestarts --value ratelimiter-gateway)" = 1 ]; do sleep 0.5; done
until [ "$(answer)" = 502 ]; do sleep 0.5; done

systemctl stop ratelimiter-gateway ratelimiter-subject
[ "$(systemctl show -p Result --value ratelimiter-gateway)" = success ]
[ "$(systemctl show -p Result --value ratelimiter-subject)" = success ]

# A malformed setting is not tried for ever.
echo 'bad = 1' >>/etc/ratelimiter/gateway.toml
systemctl start ratelimiter-gateway
until [ "$(systemctl show -p ActiveState --value ratelimiter-gateway)" = failed ]; do sleep 0.5; done
[ "$(systemctl show -p ExecMainStatus --value ratelimiter-gateway)" = 2 ]
[ "$(systemctl show -p NRestarts --value ratelimiter-gateway)" = 0 ]
echo END
