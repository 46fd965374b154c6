/** Measures the host machine: the happy path of one host, seven events (architecture.md §5). */
import type { AgentEvent } from '../../src/api/wire/events.ts';
import { parseTimestamp, type Timestamp } from '../../src/api/time.ts';
import type { HostEvent } from '../../src/core/host/events.ts';
import { newPending, type HostRecord } from '../../src/core/host/record.ts';
import type { HostPolicy } from '../../src/core/host/result.ts';
import { step } from '../../src/core/host/step.ts';

/** What a run of the benchmark yields: the best round's time per step, and the sizes it was measured with. */
export interface StepBenchmark {
  readonly nanosPerStep: number;
  readonly medianNanosPerStep: number;
  readonly rounds: number;
  readonly stepsPerRound: number;
}

const policy: HostPolicy = { onHealthFailure: 'rollback-and-halt' };
const stepsOfPath = 7;

/** Runs the path `pathsPerRound` times in each of `rounds` rounds, with a collection between rounds where exposed. */
export function benchStep(rounds = 15, pathsPerRound = 50_000): StepBenchmark {
  const pending = newPending({
    rolloutId: 'stable@ab12',
    hostname: 'web-01',
    channel: 'stable',
    targetClosure: 'clo-a',
    dispatchedAt: time(0),
    soakDueAt: time(300),
  });
  const path = happyPath();
  walk(pending, path, pathsPerRound);
  const perStep: number[] = [];
  for (let round = 0; round < rounds; round++) {
    globalThis.gc?.();
    const start = process.hrtime.bigint();
    walk(pending, path, pathsPerRound);
    perStep.push(Number(process.hrtime.bigint() - start) / (pathsPerRound * stepsOfPath));
  }
  perStep.sort((a, b) => a - b);
  return {
    nanosPerStep: perStep[0] ?? Number.NaN,
    medianNanosPerStep: perStep[Math.floor(rounds / 2)] ?? Number.NaN,
    rounds,
    stepsPerRound: pathsPerRound * stepsOfPath,
  };
}

function walk(pending: HostRecord, path: readonly HostEvent[], times: number): void {
  const now = time(900);
  for (let i = 0; i < times; i++) {
    let record = pending;
    for (const event of path) {
      const result = step(record, event, now, policy);
      if (!result.ok) throw new Error(`the happy path is refused: ${result.error.kind}`);
      record = result.next;
    }
    if (record.state !== 'Converged') throw new Error(`the happy path ends ${record.state}`);
  }
}

function happyPath(): HostEvent[] {
  const probe = { probeName: 'http', mode: 'enforce' } as const;
  const events: AgentEvent[] = [
    { kind: 'DispatchAck', currentClosureAtDispatch: 'clo-0', receivedAt: time(1), seq: 1 },
    { kind: 'ActivationStarted', startedAt: time(2), switchMethod: 'switch-to-configuration', seq: 2 },
    {
      kind: 'ActivationCompleted',
      observedCurrentClosure: 'clo-a',
      exitCode: 0,
      completedAt: time(30),
      seq: 3,
    },
    {
      kind: 'ProbeTopologyDeclared',
      probes: [{ probeName: 'http', kind: 'http', mode: 'enforce' }],
      declaredAt: time(31),
      seq: 4,
    },
    { kind: 'ProbeObservedFirst', ...probe, observedAt: time(32), seq: 5 },
    { kind: 'ProbeResult', ...probe, status: 'pass', observedAt: time(32), seq: 6 },
    { kind: 'Converged', convergedAt: time(301), currentClosure: 'clo-a', seq: 7 },
  ];
  return events.map((event) => ({ family: 'remote', event }));
}

function time(seconds: number): Timestamp {
  const text = new Date(Date.UTC(2026, 4, 16) + seconds * 1000).toISOString();
  const parsed = parseTimestamp(text);
  if (parsed === undefined) throw new Error(`no time: ${text}`);
  return parsed;
}

if (import.meta.main) console.log(benchStep());
