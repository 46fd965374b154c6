/** The operator rebuilds itself from the signed release and the hosts' own heartbeats (architecture.md §4). */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { QuarantinedClosure } from '../../src/api/kinds/quarantined-closure.ts';
import { quarantinedClosureResource } from '../../src/api/kinds/resources.ts';
import { startControlPlane, type ControlPlane } from '../../src/dev/control-plane.ts';
import { kubectl } from '../../src/dev/kubectl.ts';
import { OperatorRoom, type OperatorRoomOptions } from './support/operator-room.ts';
import { BAD, numbered, RECOVERY_FLEET, wantedOf, type RecoveryHosts } from './support/recovery-fleet.ts';
import {
  beginSwitches,
  every,
  finishSwitch,
  loseMemory,
  MID_SWITCH,
  passMinute,
  setTheScene,
  shows,
  SILENT,
  type MidSwitch,
  type Picture,
} from './support/recovery-scene.ts';
import { kubectlAdmin } from './support/shared-cluster.ts';

const SCENE = 'the scene: fifty hosts in every state there is';
const SCENE_LIMIT = { timeout: 180_000 };
const NAMESPACE = 'nixfleet';
const CRDS = fileURLToPath(new URL('../../crds', import.meta.url));
const ROOM: OperatorRoomOptions = {
  fleet: { offline: { after: '5m', policy: 'Wait' } },
  settings: { verdictDelayMs: 500 },
};
/** What a heartbeat proves shows within 15 s; the verdict waits 4.5 s less here than by default. */
const SHOWN_MS = 10_500;

let room: OperatorRoom;
let hosts: RecoveryHosts;

async function endTheScene(): Promise<void> {
  await hosts?.stop();
  await room?.close();
}

/** Hosts that run their target when everything is lost, whenever that is. */
const ON_TARGET = [
  ...numbered('a', 1, 18),
  'b-01',
  'b-02',
  'b-11',
  'g-02',
  'o-01',
  's-01',
  's-02',
  'z-01',
  ...numbered('e', 1, 4),
];
/** Hosts of a wave whose turn comes after the first loss; at the second one they run their target. */
const NEXT_WAVE = ['s-03', 's-04'];

/** One loss of everything. */
interface Loss {
  readonly midSwitch: MidSwitch;
  /** Whether the QuarantinedClosures survive it. */
  readonly kept: boolean;
  /** Entries of the hosts' feed until then. */
  readonly since: number;
}

/** What people see after the first heartbeat of every host. */
function afterOneHeartbeat({ kept, midSwitch }: Loss): Picture {
  const quarantine = kept ? 'quarantine ' : '';
  return {
    ...every([...numbered('a', 1, 18), 'b-01', 'b-02', 'g-02', 'o-01', 's-01', 's-02'], '= Converged'),
    ...every(['b-03', 'g-01'], `Pending ${quarantine}host-unsettled`),
    'b-04': `Pending ${quarantine}host-edge host-unsettled`,
    ...every(numbered('b', 5, 10), 'Pending wave-promotion host-unsettled'),
    'b-11': '= Pending wave-promotion host-unsettled',
    ...every([midSwitch.ends, midSwitch.hangs], 'Pending host-unsettled'),
    ...every(numbered('e', 1, 4), '= Pending channel-edges host-unsettled'),
    'e-05': 'Pending channel-edges host-unsettled',
    'g-03': 'Pending wave-promotion host-unsettled',
    'o-03': 'Pending wave-promotion host-unsettled',
    'z-01': '= Pending disruption-budget host-unsettled',
    'z-02': 'Pending disruption-budget host-unsettled',
  };
}

/** What people see once every host has settled. */
function afterTwoHeartbeats({ kept, midSwitch }: Loss): Picture {
  return {
    ...every(
      ON_TARGET.filter((name) => !/^[bez]-/.test(name)),
      '= Converged',
    ),
    [midSwitch.ends]: '= Converged',
    ...(kept ? { 'b-11': '= Pending wave-promotion' } : {}),
    ...every(numbered('e', 1, 4), '= Pending channel-edges'),
    'e-05': 'Pending channel-edges',
    'z-01': '= Pending disruption-budget',
    'z-02': 'Pending disruption-budget',
    'b-04': kept ? 'Pending quarantine host-edge' : 'Pending host-edge',
    ...(kept ? every(['b-03', 'g-01'], 'Pending quarantine') : {}),
  };
}

/** Everything that has to come true after a loss, in order. */
async function recovers(loss: Loss): Promise<void> {
  const { since, kept, midSwitch } = loss;
  const channels = Object.keys(RECOVERY_FLEET.channels);
  // Records of a Rollout that is gone are there for a while, and what a heartbeat says then goes with them.
  const opened = async (): Promise<number> =>
    (await room.rollouts()).filter(({ status }) => (status?.state ?? 'Opening') !== 'Opening').length;
  await expect.poll(opened, { timeout: 60_000 }).toBe(channels.length);
  const counts = async (): Promise<number[]> => [
    (await room.hostObjects()).length,
    (await room.records()).length,
  ];
  await expect.poll(counts).toEqual([50, 50]);

  await passMinute(room, hosts);
  await shows(room, afterOneHeartbeat(loss), SHOWN_MS);
  finishSwitch(hosts, midSwitch.ends);
  loseMemory(hosts, midSwitch.hangs);
  await passMinute(room, hosts);
  await shows(room, afterTwoHeartbeats(loss), SHOWN_MS);
  // Who has settled and is not on its target is let through, whether it was tried before or not.
  const tried = [midSwitch.hangs, ...(kept ? NEXT_WAVE : ['b-03', 'g-01'])];
  await expect
    .poll(() => hosts.count('dispatch', [...tried, midSwitch.ends], since))
    .toEqual({ ...Object.fromEntries(tried.map((name) => [name, 1])), [midSwitch.ends]: 0 });
  if (!kept) {
    // b-03 was tried once more, at once, and its probe fails as before.
    const probe = async (): Promise<string | undefined> =>
      (await room.record('b-03'))?.status?.probes?.[0]?.status;
    await expect.poll(probe, { timeout: 40_000 }).toBe('fail');
    await shows(room, { 'b-11': '= Pending wave-promotion compliance-wave' }, 40_000);
  }
  for (let minute = 0; minute < 6; minute += 1) await passMinute(room, hosts);
  await shows(
    room,
    {
      [midSwitch.hangs]: '= Converged',
      [SILENT]: 'Pending offline host-offline host-unsettled',
      ...every(NEXT_WAVE, kept ? '= Soaking' : '= Converged'),
      ...(kept
        ? {}
        : { 'b-03': 'Reverted', 'b-04': 'Pending rollout-halted quarantine host-edge', 'g-01': 'Failed' }),
    },
    40_000,
  );

  const never = Object.fromEntries(ON_TARGET.map((name) => [name, 0]));
  expect(hosts.count('closure', ON_TARGET, since)).toEqual(never);
  expect(hosts.count('dispatch', ON_TARGET, since)).toEqual(never);
  const retried = kept ? [] : ['b-03', 'g-01'];
  const switched = hosts.count('dispatch', ['b-03', 'b-04', 'g-01', 'g-03'], since);
  expect(Object.keys(switched).filter((name) => switched[name] !== 0)).toEqual(retried);
  expect(retried.every((name) => switched[name] === 1)).toBe(true);
  expect((await room.quarantines()).map(({ spec }) => spec.closure)).toEqual(
    expect.arrayContaining(kept ? [BAD, wantedOf('g-01')] : [BAD]),
  );
}

describe('every Rollout, record and Host is deleted under a running operator', () => {
  beforeAll(async () => {
    room = await OperatorRoom.open(ROOM);
  });

  afterAll(endTheScene);

  test(SCENE, SCENE_LIMIT, async () => {
    hosts = await setTheScene(room);
  });

  async function deleteAll(...kinds: readonly string[]): Promise<void> {
    const names = kinds.map((kind) => `${kind}.nixfleet.dev`).join();
    await kubectlAdmin(['-n', room.namespace, 'delete', names, '--all', '--wait=false']);
  }

  test('with the QuarantinedClosures kept', { timeout: 120_000 }, async () => {
    const [midSwitch] = MID_SWITCH;
    await beginSwitches(room, hosts, midSwitch);
    await room.quarantine(wantedOf('g-01'), 'gamma');
    const since = hosts.feed.length;
    await deleteAll('rollouts', 'hostrolloutrecords', 'hosts');
    await recovers({ kept: true, since, midSwitch });
  });

  test('and the QuarantinedClosures, too', { timeout: 120_000 }, async () => {
    const [, midSwitch] = MID_SWITCH;
    await beginSwitches(room, hosts, midSwitch);
    const since = hosts.feed.length;
    await deleteAll('hosts', 'hostrolloutrecords', 'rollouts', 'quarantinedclosures');
    await recovers({ kept: false, since, midSwitch });
  });
});

describe('the whole etcd is thrown away', () => {
  let plane: ControlPlane;

  beforeAll(async () => {
    plane = await startControlPlane();
    await applyKinds();
    await createNamespace();
    room = await OperatorRoom.open({ ...ROOM, kubeconfig: plane.kubeconfigPath, namespace: NAMESPACE });
  });

  afterAll(async () => {
    await endTheScene();
    await plane?.stop();
  });

  test(SCENE, SCENE_LIMIT, async () => {
    hosts = await setTheScene(room);
  });

  async function applyKinds(): Promise<void> {
    const kubeconfig = { kubeconfig: plane.kubeconfigPath };
    await kubectl(['apply', '--server-side', '-f', CRDS], kubeconfig);
    await kubectl(['wait', '--for=condition=Established', '--timeout=30s', '-f', CRDS], kubeconfig);
  }

  async function createNamespace(): Promise<void> {
    await kubectl(['create', 'namespace', NAMESPACE], { kubeconfig: plane.kubeconfigPath });
  }

  /** Loses the store, and applies again what Git holds. */
  async function throwAway(quarantines: readonly QuarantinedClosure[]): Promise<void> {
    await plane.crash('kube-apiserver');
    await plane.crash('etcd');
    await rm(join(plane.folder, 'etcd'), { recursive: true });
    // Each waits until the API server is ready, which needs both.
    await Promise.all([plane.restart('etcd'), plane.restart('kube-apiserver')]);
    await applyKinds();
    await createNamespace();
    for (const quarantine of quarantines) {
      await room.client.create(quarantinedClosureResource, declared(quarantine));
    }
    await room.site.install(room.agentCa);
    await room.publish(RECOVERY_FLEET);
  }

  /** What Git holds of a quarantine. */
  function declared({ apiVersion, kind, metadata, spec }: QuarantinedClosure): QuarantinedClosure {
    return { apiVersion, kind, metadata: { name: metadata.name, namespace: room.namespace }, spec };
  }

  test('with the QuarantinedClosures applied again', { timeout: 120_000 }, async () => {
    const [midSwitch] = MID_SWITCH;
    await beginSwitches(room, hosts, midSwitch);
    await room.quarantine(wantedOf('g-01'), 'gamma');
    const quarantines = await room.quarantines();
    const since = hosts.feed.length;
    await throwAway(quarantines);
    await recovers({ kept: true, since, midSwitch });
  });

  test('and the QuarantinedClosures, too', { timeout: 120_000 }, async () => {
    const [, midSwitch] = MID_SWITCH;
    await beginSwitches(room, hosts, midSwitch);
    const since = hosts.feed.length;
    await throwAway([]);
    await recovers({ kept: false, since, midSwitch });
  });
});
