import { describe, expect, it } from 'vitest';
import type { Fleet, FleetStatus } from '../../../src/api/kinds/fleet.ts';
import type { Host, HostStatus } from '../../../src/api/kinds/host.ts';
import type { HostRolloutRecord } from '../../../src/api/kinds/host-rollout-record.ts';
import type { Rollout } from '../../../src/api/kinds/rollout.ts';
import type { Timestamp } from '../../../src/api/time.ts';
import { registerCertificateMetrics } from '../../../src/app/certificate-metrics.ts';
import { registerFleetMetrics } from '../../../src/app/fleet-metrics.ts';
import type { Stores } from '../../../src/controllers/context.ts';
import { createAgentCa, mintServerCertificate } from '../../../src/dev/agent-ca.ts';
import { Store } from '../../../src/kube/store.ts';
import { Metrics } from '../../../src/telemetry/metrics.ts';

const NOW = '2026-06-01T10:00:00Z' as Timestamp;
let version = 0;

/** As much of an object as the metrics look at. */
function object(name: string, rest: object): object {
  version += 1;
  const metadata = { name, namespace: 'nixfleet', uid: `uid-${name}`, resourceVersion: String(version) };
  return { metadata, ...rest };
}

interface Contents {
  readonly fleet?: object;
  readonly rollouts?: readonly string[];
  readonly hosts?: readonly object[];
  readonly inboxes?: readonly number[];
}

async function scrape({ fleet, rollouts = [], hosts = [], inboxes = [] }: Contents): Promise<string[]> {
  const stores: Stores = {
    fleets: new Store(),
    rollouts: new Store(),
    records: new Store(),
    hosts: new Store(),
    quarantines: new Store(),
    configMaps: new Store(),
    contents: new Store(),
  };
  if (fleet !== undefined)
    stores.fleets.upsertFromWrite(object('lab', { status: fleet as FleetStatus }) as Fleet);
  for (const [index, state] of rollouts.entries())
    stores.rollouts.upsertFromWrite(object(`rollout-${index}`, { status: { state } }) as Rollout);
  for (const [index, status] of hosts.entries())
    stores.hosts.upsertFromWrite(object(`host-${index}`, { status: status as HostStatus }) as Host);
  for (const [index, depth] of inboxes.entries()) {
    const inbox = Array.from({ length: depth }, () => ({}));
    stores.records.upsertFromWrite(object(`record-${index}`, { status: { inbox } }) as HostRolloutRecord);
  }
  const metrics = new Metrics();
  registerFleetMetrics(metrics, { stores, namespace: 'nixfleet', fleetName: 'lab', now: () => NOW });
  return lines(await metrics.render());
}

function lines({ body }: { body: string }): string[] {
  return body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('metrics of the fleet', () => {
  it('count rollouts and hosts by state, with a zero for every state that there might be', async () => {
    const found = await scrape({
      rollouts: ['Active', 'Active', 'Terminal'],
      hosts: [{ state: 'Converged', offline: true }, { state: 'Converged', clockSkewSeconds: -3600 }, {}],
    });
    expect(found).toEqual(
      expect.arrayContaining([
        'nixfleet_rollouts{state="Active"} 2',
        'nixfleet_rollouts{state="Terminal"} 1',
        'nixfleet_rollouts{state="Failed"} 0',
        'nixfleet_hosts{state="Converged"} 2',
        'nixfleet_hosts{state="None"} 1',
        'nixfleet_hosts{state="Soaking"} 0',
        'nixfleet_hosts_declared 3',
        'nixfleet_hosts_offline 1',
        'nixfleet_hosts_clock_wrong 1',
      ]),
    );
  });

  it('tell how long ago hosts were seen, and how long ago the release was signed', async () => {
    const seen = ['09:59:00', '09:58:00', '09:50:00'].map((time) => ({
      lastSeenTime: `2026-06-01T${time}Z`,
    }));
    const found = await scrape({
      hosts: [...seen, {}],
      fleet: { artifact: { signedAt: '2026-06-01T09:15:00Z' } },
    });
    expect(found).toEqual(
      expect.arrayContaining([
        'nixfleet_heartbeat_age_seconds{quantile="0.5"} 120',
        'nixfleet_heartbeat_age_seconds{quantile="0.9"} 600',
        'nixfleet_heartbeat_age_seconds{quantile="1"} 600',
        'nixfleet_artifact_age_seconds 2700',
      ]),
    );
  });

  it('tell how full inboxes are, and when the first host’s certificate ends', async () => {
    const ends = ['2026-07-01T00:00:00Z', '2026-06-15T00:00:00Z'];
    const hosts = ends.map((notAfter) => ({ certificate: { notAfter } }));
    const found = await scrape({ inboxes: [0, 3, 12], hosts });
    expect(found).toEqual(
      expect.arrayContaining([
        'nixfleet_inbox_entries 15',
        'nixfleet_inbox_entries_max 12',
        `nixfleet_host_certificate_expiry_timestamp_seconds ${Date.parse('2026-06-15T00:00:00Z') / 1000}`,
      ]),
    );
  });

  it('set exactly one status of each condition', async () => {
    const found = await scrape({ fleet: { conditions: [{ type: 'Verified', status: 'False' }] } });
    expect(found.filter((line) => line.startsWith('nixfleet_fleet_condition'))).toEqual([
      'nixfleet_fleet_condition{type="Verified",status="True"} 0',
      'nixfleet_fleet_condition{type="Verified",status="False"} 1',
      'nixfleet_fleet_condition{type="Verified",status="Unknown"} 0',
    ]);
  });

  it('are zero, and not absent, where there is nothing yet', async () => {
    const found = await scrape({});
    expect(found).toEqual(
      expect.arrayContaining([
        'nixfleet_hosts_declared 0',
        'nixfleet_hosts_clock_wrong 0',
        'nixfleet_artifact_age_seconds 0',
        'nixfleet_heartbeat_age_seconds{quantile="1"} 0',
        'nixfleet_inbox_entries_max 0',
      ]),
    );
  });
});

describe('metrics of certificates', () => {
  it('tell the first end of a chain or bundle, and leave out what cannot be read', async () => {
    const ca = await createAgentCa();
    const { certPem: cert, keyPem: key } = await mintServerCertificate(ca);
    const metrics = new Metrics();
    registerCertificateMetrics(metrics, () => ({ cert: `${cert}\n${ca.certPem}`, key, clientCa: 'garbage' }));
    const found = lines(await metrics.render());
    expect(found).toHaveLength(1);
    const end = Number(
      /^nixfleet_certificate_expiry_timestamp_seconds\{certificate="server"\} (\d+)$/.exec(
        found[0] ?? '',
      )?.[1],
    );
    const days = (end - Date.now() / 1000) / 86_400;
    expect(Math.round(days)).toBe(365); // the leaf's, not the authority's ten years
  });

  it('are absent while nothing listens', async () => {
    const metrics = new Metrics();
    registerCertificateMetrics(metrics, () => undefined);
    expect(lines(await metrics.render())).toEqual([]);
  });
});
