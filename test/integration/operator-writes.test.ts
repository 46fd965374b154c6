import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostResource } from '../../src/api/kinds/resources.ts';
import { ArtifactVerifier } from '../../src/agent/artifacts.ts';
import { agentConstants, scaled } from '../../src/agent/constants.ts';
import { SimulatedHost } from '../../src/agent/simulated-host.ts';
import { startControlPlane, type ControlPlane } from '../../src/dev/control-plane.ts';
import { kubectl } from '../../src/dev/kubectl.ts';
import { changedFields, writesOf, type Write } from '../support/audit-log.ts';
import { asText, closureOf, releaseFiles, trustIn } from '../support/release.ts';
import { eventually } from '../support/widgets.ts';
import { QUICK_FLAGS, Site } from './support/site.ts';

const NAMESPACE = 'nixfleet';
const FACTOR = 30;
const CRDS = fileURLToPath(new URL('../../crds', import.meta.url));

let folder: string;
let plane: ControlPlane;
let site: Site;
let writes: readonly Write[];
const hosts: SimulatedHost[] = [];

/** A leader, a webhook and three hosts of their own take a release to its end; then the server tells who wrote what. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nixfleet-audit-'));
  const auditLog = join(folder, 'audit.jsonl');
  plane = await startControlPlane({ auditLog });
  const admin = { kubeconfig: plane.kubeconfigPath };
  await kubectl(['create', 'namespace', NAMESPACE], admin);
  await kubectl(['apply', '--server-side', '-f', CRDS], admin);
  await kubectl(['wait', '--for=condition=Established', '--timeout=30s', '-f', CRDS], admin);
  site = await Site.of(NAMESPACE, plane.kubeconfigPath);

  await startAs('leader', 'controller');
  const webhook = await startAs('webhook', 'webhook');
  for (const name of ['edge-01', 'web-01', 'web-02']) {
    const identity = {
      ...(await site.identityOf(name)),
      controlPlaneUrl: `https://127.0.0.1:${webhook.agentPort}`,
    };
    const host = new SimulatedHost({
      hostname: name,
      closure: closureOf(name, '1'),
      identity,
      verifier: new ArtifactVerifier(trustIn()),
      probes: [{ name: 'nginx', kind: 'http', mode: 'enforce' }],
      behaviour: { switchSeconds: 0.2 },
      constants: scaled(agentConstants, FACTOR),
    });
    hosts.push(host);
  }
  await site.putConfigMap('release', asText(releaseFiles({ digit: '2' })));
  await site.applyFleet({ configMapRefs: ['release'] });
  for (const host of hosts) host.start();
  await eventually(async () => {
    const standing = await site.condition('Converged');
    if (standing !== 'True AllTerminal') throw new Error(`the fleet is ${standing}`);
    const { items } = await site.client.list(hostResource, { namespace: NAMESPACE });
    const verdicts = items.map(({ status }) => `${status?.state ?? ''} ${String(status?.declared)}`);
    if (verdicts.some((verdict) => verdict !== 'Converged true')) throw new Error(verdicts.join(', '));
  }, 60_000);
  await site.close();
  writes = await writesOf(auditLog);
}, 120_000);

afterAll(async () => {
  await Promise.all(hosts.map((host) => host.stop()));
  await site?.close();
  await plane?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function startAs(user: string, role: string): Promise<Awaited<ReturnType<Site['startOperator']>>> {
  const kubeconfig = await plane.writeKubeconfigFor(user, ['system:masters']);
  const quick = ['--redeliver-after=1s', '--inbox-max-age=200ms'];
  return site.startOperator(user, [
    ...QUICK_FLAGS,
    ...quick,
    `--kubeconfig=${kubeconfig}`,
    `--roles=${role}`,
  ]);
}

/** Which fields one of them changed, by resource. */
function fieldsOf(who: string): Record<string, string[]> {
  const fields: Record<string, Set<string>> = {};
  for (const write of writes) {
    if (write.who !== who || write.verb === 'create') continue;
    const of = (fields[write.resource] ??= new Set());
    for (const field of changedFields(write)) of.add(field);
  }
  return Object.fromEntries(Object.entries(fields).map(([resource, of]) => [resource, [...of].toSorted()]));
}

function createdBy(who: string): string[] {
  const made = writes.filter((write) => write.who === who && write.verb === 'create');
  return [...new Set(made.map(({ resource }) => resource))].toSorted();
}

function membersOf(write: Write, ...path: string[]): unknown[] {
  return [write.before, write.after].map((object) =>
    path.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], object),
  );
}

describe('the table "Who writes what"', () => {
  test('the webhook writes facts about hosts and what they said, and makes nothing', () => {
    expect(createdBy('webhook')).toEqual([]);
    expect(fieldsOf('webhook')).toEqual({
      'hostrolloutrecords/status': [
        'status.dispatch.deliveredAt',
        'status.dispatch.lastDeliveredAt',
        'status.inbox',
      ],
      'hosts/status': [
        'status.certificate.fingerprint',
        'status.certificate.notAfter',
        'status.certificate.notBefore',
        'status.closure',
        'status.closureSince',
        'status.firstSeenTime',
        'status.lastSeenTime',
        'status.settledTime',
      ],
    });
  });

  test('the webhook only ever appends to an inbox', () => {
    const appended = writes.filter(
      (write) => write.who === 'webhook' && changedFields(write).includes('status.inbox'),
    );
    expect(appended.length).toBeGreaterThan(0);
    for (const write of appended) {
      const [before = [], after = []] = membersOf(write, 'status', 'inbox') as unknown[][];
      expect(after.slice(0, before.length)).toEqual(before);
      expect(after.length).toBe(before.length + 1);
    }
  });

  test('the leader makes hosts, rollouts, records, content, Events and its Lease', () => {
    expect(createdBy('leader')).toEqual([
      'configmaps',
      'events',
      'hostrolloutrecords',
      'hosts',
      'leases',
      'rollouts',
    ]);
  });

  test('the leader writes status and verdicts, never a spec or what hosts said', () => {
    const fields = fieldsOf('leader');
    const facts = [
      'closure',
      'closureSince',
      'firstSeenTime',
      'settledTime',
      'lastSeenTime',
      'certificate',
      'clockSkewSeconds',
    ];
    expect(Object.keys(fields).toSorted()).toEqual([
      ...(fields['events'] === undefined ? [] : ['events']),
      'fleets/status',
      'hostrolloutrecords/status',
      'hosts/status',
      'leases',
      'rollouts/status',
    ]);
    for (const resource of ['fleets', 'hostrolloutrecords', 'hosts', 'rollouts']) {
      const notStatus = (fields[`${resource}/status`] ?? []).filter((field) => !field.startsWith('status.'));
      expect(notStatus).toEqual([]);
    }
    for (const fact of facts) {
      expect((fields['hosts/status'] ?? []).filter((field) => field.split('.')[1] === fact)).toEqual([]);
    }
    expect(fields['hosts/status']).toEqual(
      expect.arrayContaining(['status.state', 'status.rollout', 'status.declared', 'status.conditions']),
    );
    expect(fields['hostrolloutrecords/status']).toEqual(
      expect.arrayContaining([
        'status.state',
        'status.lastEventSeq',
        'status.dispatch.queuedAt',
        'status.inbox',
      ]),
    );
  });

  test('the leader only ever takes decided entries out of an inbox and never says that a dispatch was delivered', () => {
    for (const write of writes.filter(
      ({ who, resource }) => who === 'leader' && resource === 'hostrolloutrecords/status',
    )) {
      const [before = [], after = []] = membersOf(write, 'status', 'inbox') as unknown[][];
      const entries = before.map((entry) => JSON.stringify(entry));
      expect(entries).toEqual(expect.arrayContaining(after.map((entry) => JSON.stringify(entry))));
      const [was, is] = membersOf(write, 'status', 'dispatch', 'deliveredAt');
      if (is !== undefined) expect(is).toBe(was);
    }
  });

  test('every write names the version that it was decided on', () => {
    const operators = writes.filter(
      ({ who, verb }) => (who === 'leader' || who === 'webhook') && verb !== 'create',
    );
    expect([...new Set(operators.map(({ verb }) => verb))]).toEqual(['update']);
    expect(operators.filter(({ asked, before }) => asked !== before?.metadata.resourceVersion)).toEqual([]);
  });
});
