import type { RolloutBenchmark } from './rollout.ts';
import type { NamedWrites } from './name-writes.ts';

/** What is written once per rollout or now and then, and no business of a host. */
const NOT_PER_HOST = /^(?:rollouts|fleets|leases|configmaps|quarantinedclosures)\b/;
const GOAL_PER_HOST = 14;

/** A benchmark for people: its figures, and every write per host by name. */
export function describeRollout(bench: RolloutBenchmark): string[] {
  const { hosts, openSeconds, rolloutSeconds, busiestPerSecond, rawPerSecond } = bench;
  const { eventLoopP99Ms, memoryMiB, cpuSeconds, writes, lostWrites } = bench;
  const share = (100 * busiestPerSecond) / rawPerSecond;
  return [
    `${hosts} hosts, three waves: open after ${openSeconds.toFixed(1)} s, Terminal ${rolloutSeconds.toFixed(1)} s later`,
    `  busiest 5 s: ${busiestPerSecond.toFixed(0)} writes/s, ${share.toFixed(0)} % of the raw ${rawPerSecond} status writes/s (goal 60 %)`,
    `  operator: event loop p99 ${eventLoopP99Ms.toFixed(0)} ms, ${memoryMiB.toFixed(0)} MiB, ${cpuSeconds.toFixed(1)} s of CPU; ${lostWrites} lost compare-and-swaps`,
    ...describeWrites(writes, hosts),
  ];
}

/** Writes per host by name, Events apart. */
export function describeWrites(writes: NamedWrites, hosts: number): string[] {
  const all = [...writes].toSorted(([, a], [, b]) => b - a);
  const ofHosts = all.filter(([name]) => name !== 'Event' && !NOT_PER_HOST.test(name));
  const rest = all.filter(([name]) => NOT_PER_HOST.test(name));
  const perHost = ofHosts.reduce((sum, [, count]) => sum + count, 0) / hosts;
  const events = (writes.get('Event') ?? 0) / hosts;
  const verdict = perHost <= GOAL_PER_HOST ? 'reached' : 'missed';
  return [
    `  writes per host: ${perHost.toFixed(2)} (goal ${GOAL_PER_HOST}: ${verdict}), and ${events.toFixed(2)} Events: ${(perHost + events).toFixed(2)} in all`,
    ...ofHosts.map(([name, count]) => `    ${(count / hosts).toFixed(2).padStart(6)}  ${name}`),
    `  in all: ${rest.map(([name, count]) => `${name} ${count}`).join(', ')}`,
  ];
}
