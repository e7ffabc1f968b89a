-- What wrk asks, and how it counts: wrk ... -s load.lua URL -- BODIES, a file with a JSON body a line.
-- A refusal is obeyed: the connection waits as long as Retry-After says before it asks again.

local threads, bodies, turn, pause = {}, {}, 0, 0
local count = 0

function setup(thread)
  count = count + 1
  thread:set("number", count)
  table.insert(threads, thread)
end

function init(args)
  for line in io.lines(args[1]) do table.insert(bodies, line) end
  turn = (number * 7919) % #bodies -- threads do not ask the same at the same time
  answered, shed, unsaid, other = 0, 0, 0, 0
  wrk.method, wrk.headers["Content-Type"] = "POST", "application/json"
end

function request()
  turn = turn % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[turn])
end

function delay()
  local now = pause
  pause = 0
  return now
end

function response(status, headers)
  if status == 200 then
    answered = answered + 1
  elseif status == 503 then
    local after = tonumber(headers["retry-after"] or headers["Retry-After"])
    shed = shed + 1
    if after == nil then unsaid = unsaid + 1 end
    pause = 1000 * (after or 1)
  else
    other = other + 1
  end
end

function done(summary, latency)
  local sum = { answered = 0, shed = 0, unsaid = 0, other = 0 }
  for _, thread in ipairs(threads) do
    for name in pairs(sum) do sum[name] = sum[name] + thread:get(name) end
  end
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format(
    'RESULT {"answered": %d, "shed": %d, "unsaid": %d, "other": %d, "lost": %d, "seconds": %f, "p50": %f, "p99": %f}\n',
    sum.answered, sum.shed, sum.unsaid, sum.other, lost, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
