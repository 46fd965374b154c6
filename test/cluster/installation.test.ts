import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kube/clock.ts';
import { closureOf, demoFleet, faultyHost } from '../../src/dev/demo/design.ts';
import { currentRollout, ObservedFleet, recordsOf } from '../../src/dev/demo/observed-fleet.ts';
import { OrderWatch } from '../../src/dev/demo/order-watch.ts';
import type { FleetDesign } from '../../src/dev/local/release.ts';
import {
  CHART,
  clusterFolder,
  evict,
  fleetReaches,
  kube,
  leaderPod,
  metricOf,
  names,
  NAMESPACE,
  podsOf,
  readyPods,
  refusal,
  RELEASE,
  removeEverything,
  runHelm,
  secretData,
  startSeconds,
} from './support/cluster.ts';
import { nextChart } from './support/next-chart.ts';
import { grantsOf, requestsOf } from './support/rights.ts';
import { Site } from './support/site.ts';

const FIRST = '25.11';
const FAULTY = '26.05.5';
const smallerFleet: FleetDesign = {
  ...demoFleet,
  hosts: demoFleet.hosts.filter(({ name }) => name !== 'edge-03'),
  waves: { ...demoFleet.waves, edge: [['edge-01'], ['edge-02']] },
};

let site: Site;
let observed: ObservedFleet;
const order = new OrderWatch(demoFleet);
/** The commit of each version that was published. */
const commits = new Map<string, string>();

async function publish(version: string, fleet = demoFleet): Promise<void> {
  commits.set(version, await site.publish(fleet, version));
}

/** Hosts that are not where a release wants them, in words; the commit is that of the version unless it has another. */
function missing(version: string, fleet = demoFleet, commit = commits.get(version) ?? ''): string[] {
  const { state } = observed;
  return fleet.hosts.flatMap(({ name, channel }) => {
    const rollout = currentRollout(state, channel);
    if (rollout?.spec.channelRef !== commit) return [`${channel}: no rollout of ${commit.slice(0, 8)}`];
    const record = recordsOf(state, rollout).find(({ spec }) => spec.hostname === name);
    const host = state.hosts.find(({ spec }) => spec.hostname === name);
    if (record?.status?.state !== 'Converged') {
      const gates = record?.status?.blockedBy?.map(({ gate }) => gate).join(', ') ?? '';
      return [`${name}: ${record?.status?.state ?? 'no record'} ${gates}`];
    }
    return host?.status?.closure === closureOf(name, version) ? [] : [`${name} reports another closure`];
  });
}

async function converged(version: string, fleet = demoFleet, commit = commits.get(version)): Promise<void> {
  await expect.poll(() => missing(version, fleet, commit), { timeout: 150_000, interval: 250 }).toEqual([]);
}

/** What every machine of the fleet runs when the version is there. */
function running(version: string): Record<string, string> {
  return Object.fromEntries(demoFleet.hosts.map(({ name }) => [name, closureOf(name, version)]));
}

/** Resolves when so many hosts run the version, and so the rollout is in its middle. */
async function underWay(version: string, hosts = 1): Promise<void> {
  const moved = (): number =>
    Object.entries(site.closures()).filter(([host, closure]) => closure === closureOf(host, version)).length;
  await expect.poll(moved, { timeout: 60_000, interval: 50 }).toBeGreaterThanOrEqual(hosts);
}

beforeAll(async () => {
  await removeEverything();
  const namespace = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  };
  await kube(['apply', '--server-side', '-f', '-'], JSON.stringify(namespace));
  await runHelm(['install', RELEASE, CHART, '--wait', '--timeout', '120s']);
  site = await Site.prepare();
  observed = await ObservedFleet.start(`${clusterFolder()}/admin.kubeconfig`);
  observed.onRecord((record) => order.observe(record));
});

afterAll(async () => {
  await observed?.stop();
  await site?.stop();
});

/** What makes nothing move at all is most often a right that is missing. */
afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  console.error(await kube(['get', 'nixfleet']));
  const current = currentRollout(observed.state, 'stable');
  const records = current === undefined ? [] : recordsOf(observed.state, current);
  console.error(JSON.stringify(records.map(({ spec, status }) => ({ host: spec.hostname, ...status }))));
  for (const role of ['controller', 'webhook'] as const) {
    const { refused } = await requestsOf(`${clusterFolder()}/audit.log`, accountOf(role));
    console.error(`refused to the ${role}: ${refused.join(', ') || 'nothing'}`);
  }
});

describe('one installation from beginning to end', () => {
  it('passes its own test, in a namespace that lets in nothing but restricted Pods', async () => {
    const output = await runHelm(['test', RELEASE, '--logs']);
    expect(output).toContain('presents a certificate valid until');
    for (const role of ['controller', 'webhook'] as const) {
      const pods = await podsOf(role);
      expect(pods).toHaveLength(2);
      for (const pod of pods) {
        const mebibytes = (await metricOf(pod, 'process_resident_memory_bytes')) / 1024 / 1024;
        console.log(
          `${role}, idle: ${mebibytes.toFixed(0)} MiB, ready ${await startSeconds(pod)} s after its start`,
        );
        expect(mebibytes).toBeLessThan(256);
      }
    }
  });

  it('lets new hosts enrol through the Service, each once, with its SSH host key and the token that it was given', async () => {
    await site.startHosts(demoFleet, FIRST, FAULTY);
    await publish('26.05.1');
    await site.enrolled();
    expect(await names('configmaps', '--selector=nixfleet.dev/burned-nonce')).toHaveLength(8);
    const again = await site.newIdentity(site.papersOf('web-01'));
    const { token } = site.papersOf('web-01');
    await expect(again.enrol(token, { clock: systemClock })).rejects.toThrow('/v1/enroll answered 409');
    const heard = (): string[] =>
      observed.state.hosts
        .filter(({ status }) => status?.lastSeenTime !== undefined)
        .map(({ spec }) => spec.hostname);
    await expect.poll(() => heard().length).toBe(8);
    await expect.poll(async () => names('events', '--field-selector=reason=HostEnrolled')).toHaveLength(8);
  });

  it('takes them to a release that GitOps applies, with the values it is shipped with', async () => {
    await converged('26.05.1');
    expect(order.violations).toEqual([]);
  });

  it('goes on when the Pod that leads is deleted in the middle of a rollout', async () => {
    const before = await leaderPod();
    await publish('26.05.2');
    await underWay('26.05.2');
    await kube(['delete', 'pod', before ?? 'nobody leads', '--wait=false']);
    await converged('26.05.2');
    expect(await leaderPod()).not.toBe(before);
    expect(order.violations).toEqual([]);
  });

  it('upgrades chart and kinds in the middle of a rollout, and no heartbeat is missed', async () => {
    const chart = await nextChart(site.folder);
    const from = site.feed.length;
    const before = await secretData(`${RELEASE}-server`);
    await publish('26.05.3');
    await underWay('26.05.3');
    const started = performance.now();
    await runHelm([
      'upgrade',
      RELEASE,
      chart,
      '--set=logLevel=debug,agents.certificate.hosts={fleet.example}',
      // These agents speak too often for the default (ADR 0025).
      '--set=controller.extraArgs={--told-after=1s},webhook.extraArgs={--told-after=1s}',
      '--wait',
      '--timeout=120s',
    ]);
    console.log(`rolling upgrade: ${((performance.now() - started) / 1000).toFixed(1)} s`);
    await converged('26.05.3');
    expect(site.missedHeartbeats(from)).toEqual([]);
    const after = await secretData(`${RELEASE}-server`);
    expect(after['ca.crt']).toBe(before['ca.crt']);
    expect(new X509Certificate(after['tls.crt'] ?? '').subjectAltName).toContain('DNS:fleet.example');
    const columns = '{.spec.versions[0].additionalPrinterColumns[*].name}';
    expect(await kube(['get', 'crd', 'fleets.nixfleet.dev', '-o', `jsonpath=${columns}`])).toContain(
      'Upgraded',
    );
    expect(order.violations).toEqual([]);
  });

  it('lets a drained node take one Pod of each role at a time, and no heartbeat is missed', async () => {
    const from = site.feed.length;
    const [first = '', second = ''] = await podsOf('webhook');
    await evict(first);
    await expect(evict(second)).rejects.toThrow("would violate the pod's disruption budget");
    await expect
      .poll(async () => evict(second).then(() => 'evicted', String), { interval: 500 })
      .toBe('evicted');
    await expect.poll(async () => readyPods('webhook'), { interval: 500 }).toBe(2);
    const leader = (await leaderPod()) ?? 'nobody leads';
    await evict(leader);
    await expect.poll(leaderPod, { interval: 500 }).not.toBe(leader);
    expect(site.missedHeartbeats(from)).toEqual([]);
  });

  it('changes nothing for half a commit or one that is tampered with, and says why', async () => {
    const { repository } = site;
    const kept = `${(commits.get('26.05.3') ?? '').slice(0, 8)} stays in force`;
    commits.set('26.05.4', await site.commit(demoFleet, '26.05.4'));
    await repository.sign();
    const manifests = ['edge', 'stable'].flatMap((channel) => {
      const file = `fleet/release/${channel}.manifest.json`;
      return [file, `${file}.sig`];
    });

    await repository.applyWithout('fleet-manifests');
    expect(await refusal()).toMatch(/^SourceNotFound: .*ConfigMap fleet-manifests-\w+ does not exist/);
    await repository.git('checkout', 'HEAD~2', '--', ...manifests);
    await repository.apply();
    expect(await refusal()).toMatch(/^ManifestHashMismatch: the manifest of channel "edge" was made for/);
    await repository.git('checkout', 'HEAD', '--', ...manifests);
    await repository.edit('fleet/release/stable.manifest.json', (text) =>
      text.replaceAll('"waveIndex":2', '"waveIndex":0'),
    );
    await repository.apply();
    const why = await refusal();
    expect(why).toMatch(/^BadSignature: stable\.manifest\.json: /);
    expect(why).toContain(kept);
    await repository.git('checkout', 'HEAD', '--', ...manifests);

    await fleetReaches('Stalled');
    await fleetReaches('Ready');
    expect(site.closures()).toEqual(running('26.05.3'));
    expect(missing('26.05.3')).toEqual([]);
  });

  it('moves with the whole commit, and back with an earlier release that is signed anew', async () => {
    await site.repository.apply();
    await fleetReaches('Verified');
    await fleetReaches('Converged', '150s');
    expect(site.closures()).toEqual(running('26.05.4'));
    await site.repository.releaseAgain(commits.get('26.05.3') ?? '');
    await fleetReaches('Verified');
    await fleetReaches('Converged', '150s');
    expect(site.closures()).toEqual(running('26.05.3'));
    await converged('26.05.3');
  });

  it('halts a faulty release until its commit is reverted', async () => {
    await publish(FAULTY);
    await expect
      .poll(() => observed.state.quarantines.map(({ spec }) => spec.hostname), { timeout: 120_000 })
      .toEqual([faultyHost]);
    const rollout = currentRollout(observed.state, 'stable')?.metadata.name ?? '';
    await kube(['wait', '--for=condition=Stalled', '--timeout=60s', `rollout/${rollout}`]);
    await site.repository.git('revert', '--no-edit', commits.get(FAULTY) ?? '');
    await site.repository.sign();
    await site.repository.apply();
    const revert = await site.repository.git('log', '-1', '--format=%H', '--', 'fleet.resolved.json');
    await converged('26.05.4', demoFleet, revert);
    commits.set('26.05.4', revert);
  });

  it('is uninstalled and installed again without a loss: no host is switched for it', async () => {
    const before = {
      closures: site.closures(),
      rollouts: await names('rollouts'),
      hosts: await names('hosts'),
    };
    await runHelm(['uninstall', RELEASE, '--wait']);
    expect(await names('fleets')).toEqual(['fleet']);
    expect(await names('rollouts')).toEqual(before.rollouts);
    // Else the next leader would wait for one that was not let release it.
    expect(await names('leases')).toEqual([]);
    const soon = '--set=controller.extraArgs={--retention-interval=5s}'; // for the next test
    const started = performance.now();
    await runHelm(['install', RELEASE, CHART, soon, '--wait', '--timeout=120s']);
    await site.followService();
    await expect.poll(leaderPod).toMatch(new RegExp((await podsOf('controller')).join('|')));
    console.log(`installed again, until one leads: ${((performance.now() - started) / 1000).toFixed(1)} s`);
    expect(missing('26.05.4')).toEqual([]);
    expect(site.closures()).toEqual(before.closures);
    expect(await names('hosts')).toEqual(before.hosts);
  });

  it('goes on with a release that has a host less, and forgets what is old', async () => {
    await site.repository.edit('fleet/fleet.yaml', (fleet) =>
      fleet.replace('spec:', 'spec:\n  retention: { attemptsPerChannel: 1, minAge: 1s }'),
    );
    await publish('26.05.6', smallerFleet);
    await converged('26.05.6', smallerFleet);
    await expect.poll(async () => names('hosts')).not.toContain('edge-03');
    await expect
      .poll(async () => (await names('rollouts')).length, { timeout: 150_000, interval: 1000 })
      .toBeLessThanOrEqual(4);
    expect(order.violations).toEqual([]);
  });

  it('was granted what it used and nothing else, and was refused nothing', async () => {
    for (const role of ['controller', 'webhook'] as const) {
      const { used, refused } = await requestsOf(`${clusterFolder()}/audit.log`, accountOf(role));
      const granted = await grantsOf(`${RELEASE}-${role}`);
      // What is granted is refused only while the uninstallation has taken the Role away from Pods that still end.
      const unexpected = refused.filter((request) => !granted.includes(request));
      expect(unexpected, `refused to the ${role}`).toEqual([]);
      const unused = granted.filter((grant) => !used.has(grant) && !NOT_IN_THIS_STORY[role].includes(grant));
      expect(unused, `granted to the ${role} for nothing`).toEqual([]);
      const stray = NOT_IN_THIS_STORY[role].filter((grant) => !granted.includes(grant));
      expect(stray, `not granted to the ${role}, and so no exception`).toEqual([]);
    }
  });
});

/** What this story need not do; each is done by a test at the integration level. */
const NOT_IN_THIS_STORY: Readonly<Record<'controller' | 'webhook', readonly string[]>> = {
  controller: [
    'get /secrets', // the token of a release that is polled from a forge
    'update /configmaps', // the revocations of hosts that are not declared
    'delete /configmaps', // content that no Rollout refers to any more, after an hour
    // Read live after a conflict, which may not happen.
    'get nixfleet.dev/hosts',
    'get nixfleet.dev/rollouts',
    'get nixfleet.dev/hostrolloutrecords',
  ],
  webhook: [
    'get nixfleet.dev/hosts', // after a conflict
  ],
};

function accountOf(role: 'controller' | 'webhook'): string {
  return `system:serviceaccount:${NAMESPACE}:${RELEASE}-${role}`;
}
