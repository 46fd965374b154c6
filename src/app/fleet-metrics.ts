import { epochMillis, millisBetween, type Timestamp } from '../api/time.ts';
import { hostStateSchema, rolloutStateSchema } from '../api/wire/enums.ts';
import { servedFleet, type Stores } from '../controllers/context.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** What the state of a fleet is read from. */
export interface FleetMetricsOptions {
  readonly stores: Stores;
  readonly namespace: string;
  readonly fleetName: string;
  readonly now: () => Timestamp;
}

const CONDITION_STATUSES = ['True', 'False', 'Unknown'] as const;
const QUANTILES = [0.5, 0.9, 1] as const;
/** Of hosts without a record. */
const NO_STATE = 'None';

/**
 * Registers what the cached objects tell, counted at each scrape: rollouts and hosts per state, ages, inboxes,
 * conditions. Every label has a fixed set of values. All replicas say the same, so take the maximum over them.
 */
export function registerFleetMetrics(metrics: Metrics, options: FleetMetricsOptions): void {
  registerCounts(metrics, options.stores);
  registerInboxes(metrics, options.stores);
  registerAges(metrics, options);
  registerConditions(metrics, options);
}

function registerCounts(metrics: Metrics, stores: Stores): void {
  metrics.gauge({ name: 'nixfleet_rollouts', help: 'Rollouts by state.', labels: ['state'] }, (gauge) => {
    const counts = countBy(stores.rollouts.list(), ({ status }) => status?.state ?? 'Opening');
    for (const state of rolloutStateSchema.options) gauge.set(counts.get(state) ?? 0, { state });
  });
  metrics.gauge(
    { name: 'nixfleet_hosts', help: 'Hosts by the state of their newest record.', labels: ['state'] },
    (gauge) => {
      const counts = countBy(stores.hosts.list(), ({ status }) => status?.state ?? NO_STATE);
      for (const state of [...hostStateSchema.options, NO_STATE])
        gauge.set(counts.get(state) ?? 0, { state });
    },
  );
  metrics.gauge({ name: 'nixfleet_hosts_declared', help: 'Hosts that there are.' }, (gauge) =>
    gauge.set(stores.hosts.size),
  );
  metrics.gauge(
    {
      name: 'nixfleet_hosts_offline',
      help: 'Hosts that have been silent for longer than spec.offline.after.',
    },
    (gauge) => gauge.set(stores.hosts.list().filter(({ status }) => status?.offline === true).length),
  );
  metrics.gauge(
    { name: 'nixfleet_hosts_clock_wrong', help: 'Hosts whose clock is more than a minute off.' },
    (gauge) =>
      gauge.set(stores.hosts.list().filter(({ status }) => status?.clockSkewSeconds !== undefined).length),
  );
}

function registerInboxes(metrics: Metrics, stores: Stores): void {
  const depths = (): number[] => stores.records.list().map(({ status }) => status?.inbox?.length ?? 0);
  metrics.gauge(
    { name: 'nixfleet_inbox_entries', help: 'Stored reports that the leader has yet to fold.' },
    (gauge) => gauge.set(depths().reduce((sum, depth) => sum + depth, 0)),
  );
  metrics.gauge(
    { name: 'nixfleet_inbox_entries_max', help: 'Entries in the fullest inbox; 64 is full.' },
    (gauge) => gauge.set(depths().reduce((most, depth) => Math.max(most, depth), 0)),
  );
}

function registerAges(metrics: Metrics, options: FleetMetricsOptions): void {
  const { stores, now } = options;
  metrics.gauge(
    {
      name: 'nixfleet_heartbeat_age_seconds',
      help: 'Time since hosts were last seen, by quantile; refreshed a few times per spec.offline.after.',
      labels: ['quantile'],
    },
    (gauge) => {
      const at = now();
      const ages = stores.hosts
        .list()
        .flatMap(({ status }) => (status?.lastSeenTime === undefined ? [] : [status.lastSeenTime]))
        .map((seen) => millisBetween(seen, at) / 1000)
        .toSorted((a, b) => a - b);
      for (const quantile of QUANTILES) gauge.set(quantileOf(ages, quantile), { quantile: String(quantile) });
    },
  );
  metrics.gauge(
    {
      name: 'nixfleet_artifact_age_seconds',
      help: 'Time since the release in force was signed; 0 without one.',
    },
    (gauge) => {
      const signedAt = servedFleet(options)?.status?.artifact?.signedAt;
      gauge.set(signedAt === undefined ? 0 : millisBetween(signedAt, now()) / 1000);
    },
  );
  metrics.gauge(
    {
      name: 'nixfleet_host_certificate_expiry_timestamp_seconds',
      help: 'When the first of the certificates that hosts last presented ends; 0 without any.',
    },
    (gauge) => {
      const ends = stores.hosts
        .list()
        .flatMap(({ status }) => (status?.certificate === undefined ? [] : [status.certificate.notAfter]))
        .map((end) => epochMillis(end) / 1000);
      gauge.set(ends.reduce((first, end) => Math.min(first, end), ends[0] ?? 0));
    },
  );
}

function registerConditions(metrics: Metrics, options: FleetMetricsOptions): void {
  metrics.gauge(
    {
      name: 'nixfleet_fleet_condition',
      help: 'Conditions of the served Fleet; 1 for the status it has.',
      labels: ['type', 'status'],
    },
    (gauge) => {
      gauge.clear();
      for (const { type, status } of servedFleet(options)?.status?.conditions ?? []) {
        for (const each of CONDITION_STATUSES) gauge.set(each === status ? 1 : 0, { type, status: each });
      }
    },
  );
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}

/** Nearest rank; 0 of nothing. */
function quantileOf(sorted: readonly number[], quantile: number): number {
  return sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] ?? 0;
}
