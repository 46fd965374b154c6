import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SimulatedHost } from '../../src/agent/simulated-host.ts';
import { closureOf, demoFleet } from '../../src/dev/demo/design.ts';
import { currentRollout, ObservedFleet, recordsOf } from '../../src/dev/demo/observed-fleet.ts';
import { OrderWatch } from '../../src/dev/demo/order-watch.ts';
import { CN_SUFFIX, type Installation, startInstallation } from '../../src/dev/local/installation.ts';
import { writeRelease } from '../../src/dev/local/publish.ts';
import { releaseDocuments } from '../../src/dev/local/release.ts';
import { mintIdentities, prepareMachines } from '../support/machines.ts';
import { FACTOR, type Leader, Operators } from './support/operators.ts';

let installation: Installation;
let operators: Operators;
let observed: ObservedFleet;
let hosts: SimulatedHost[] = [];
const order = new OrderWatch(demoFleet);

beforeAll(async () => {
  installation = await startInstallation({});
  operators = await Operators.start(installation);
  observed = await ObservedFleet.start(installation.controlPlane.kubeconfigPath);
  observed.onRecord((record) => order.observe(record));
  const url = `https://127.0.0.1:${operators.service.port}`;
  const { agentCa, trust } = installation;
  const issuing = { agentCa, serverCaPem: agentCa.certPem, cnSuffix: CN_SUFFIX, url };
  const identities = await mintIdentities(demoFleet, issuing);
  hosts = prepareMachines({ fleet: demoFleet, identities, trust, factor: FACTOR, release: '25.11' });
  for (const host of hosts) host.start();
});

afterAll(async () => {
  await Promise.all(hosts.map(async (host) => host.stop()));
  await observed?.stop();
  await operators?.stop();
  await installation?.controlPlane.stop();
});

async function publish(release: string): Promise<void> {
  const documents = releaseDocuments(demoFleet, {
    commit: commitOf(release),
    signedAt: new Date().toISOString(),
    closureOf: (host) => closureOf(host, release),
  });
  const { manifest } = await writeRelease(installation, commitOf(release), documents);
  await installation.kubectl(['apply', '--server-side', '-f', manifest]);
}

const commitOf = (release: string): string => Buffer.from(release).toString('hex').padEnd(40, '0');

/** When so many machines run the release, the rollout is in its middle. */
async function underWay(release: string): Promise<void> {
  const moved = (): boolean =>
    hosts.some(({ hostname, machine }) => machine.closure === closureOf(hostname, release));
  await expect.poll(moved, { interval: 20 }).toBe(true);
}

/** Every host Converged on the release, in the order that the fleet asks for. */
async function converged(release: string): Promise<void> {
  const missing = (): string[] =>
    demoFleet.hosts.flatMap(({ name, channel }) => {
      const rollout = currentRollout(observed.state, channel);
      if (rollout?.spec.channelRef !== commitOf(release)) return [`${channel}: not open`];
      const record = recordsOf(observed.state, rollout).find(({ spec }) => spec.hostname === name);
      return record?.status?.state === 'Converged'
        ? []
        : [`${name}: ${record?.status?.state ?? 'no record'}`];
    });
  await expect.poll(missing, { timeout: 90_000 }).toEqual([]);
  for (const { hostname, machine } of hosts) expect(machine.closure).toBe(closureOf(hostname, release));
  expect(order.violations).toEqual([]);
}

async function inTheMiddleOf(release: string): Promise<Leader> {
  const leader = await operators.leader();
  await publish(release);
  await underWay(release);
  return leader;
}

async function anotherLeads(than: Leader): Promise<void> {
  await expect.poll(async () => operators.holder()).toMatch(new RegExp(`^(?!${than.id}).`));
}

describe('two containers of each role', () => {
  it('are what the Dockerfile promises: not root, no shell, one file', async () => {
    const { user, entrypoint, size, shell } = await operators.inspect();
    console.log(`image: ${(size / 1024 / 1024).toFixed(0)} MiB unpacked`);
    expect(user).toBe('65532:65532');
    expect(entrypoint).toContain('/app/main.mjs');
    expect(shell).toContain('no such file or directory');
    expect(size).toBeLessThan(160 * 1024 * 1024);
  });

  it('take a fleet to Converged', async () => {
    await publish('26.05.1');
    await converged('26.05.1');
  });

  it('go on when the leader is paused, and when it wakes up it ends without having changed anything', async () => {
    const leader = await inTheMiddleOf('26.05.2');
    await leader.pause();
    await anotherLeads(leader);
    await converged('26.05.2');
    await leader.resume();
    expect(await leader.ended()).toBe(1);
    await converged('26.05.2');
    await operators.add('controller');
  });

  it('go on when the leader is killed', async () => {
    const leader = await inTheMiddleOf('26.05.3');
    await leader.kill();
    expect(await leader.ended()).toBe(137);
    await converged('26.05.3');
    await operators.add('controller');
  });

  it('go on when the leader is cut from the network, and it ends rather than lead on', async () => {
    const leader = await inTheMiddleOf('26.05.4');
    await leader.cutOff();
    await anotherLeads(leader);
    await converged('26.05.4');
    expect(await leader.ended()).toBe(1);
    await operators.add('controller');
  });

  it('go on when the leader is cut off and reconnected before anybody has noticed', async () => {
    const leader = await inTheMiddleOf('26.05.5');
    await leader.cutOff();
    await leader.reconnect();
    await converged('26.05.5');
  });

  it('hand over at once when the leader is asked to end', async () => {
    const leader = await inTheMiddleOf('26.05.6');
    expect(await leader.terminate()).toBe(0);
    expect(await operators.holder()).not.toContain(leader.id);
    await converged('26.05.6');
  });
});
