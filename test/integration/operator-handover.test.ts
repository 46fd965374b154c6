import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OperatorProcess } from '../../src/dev/local/operator-process.ts';
import { LEASES } from '../../src/kube/lease.ts';
import { asText, releaseFiles } from '../support/release.ts';
import { QUICK_FLAGS, Site } from './support/site.ts';

const LIMIT = { timeout: 20_000 };
const HAND_OVER_MS = 3_000;
const LEASE_MS = 3_000;
/** As in production. */
const USUAL_LEASE = ['--lease-duration=15s', '--lease-renew-deadline=10s', '--lease-retry-period=2s'];

let site: Site;

beforeEach(async () => {
  site = await Site.shared('handover');
  await site.putConfigMap('release', asText(releaseFiles()));
  await site.applyFleet({ configMapRefs: ['release'] });
});

afterEach(() => site?.close());

async function holder(): Promise<string | undefined> {
  const lease = await site.client.get(LEASES, { namespace: site.namespace, name: 'nixfleet-operator' });
  return lease.spec?.holderIdentity;
}

async function term(): Promise<number> {
  return (await site.fleet()).status?.term ?? 0;
}

/** Two operators, the first of which leads and has begun its term. */
async function pair(lease: readonly string[]): Promise<[OperatorProcess, OperatorProcess]> {
  const flags = [...QUICK_FLAGS, ...lease];
  const first = await site.startOperator('first', flags);
  await expect.poll(term, LIMIT).toBe(1);
  await expect.poll(() => site.condition('Ready'), LIMIT).toBe('True InForce');
  const second = await site.startOperator('second', flags);
  expect([await first.leads(), await second.leads()]).toEqual([true, false]);
  return [first, second];
}

describe('the operator that leads', () => {
  test('hands the Lease over when it is told to end: the next one acts within 3 s', async () => {
    const [first, second] = await pair(USUAL_LEASE);
    const before = await holder();
    const told = performance.now();
    const stopping = first.stop();
    await expect.poll(term, { timeout: LIMIT.timeout, interval: 20 }).toBe(2);
    const took = performance.now() - told;
    await stopping;
    expect(await first.logEnd()).toMatch(/"msg":"stopped"}$/);
    expect(await second.leads()).toBe(true);
    expect(await holder()).not.toBe(before);
    expect(took).toBeLessThan(HAND_OVER_MS);
  });

  test('is followed within the lease duration and 3 s when it is killed; agents are served meanwhile', async () => {
    const [first, second] = await pair([]);
    const killed = performance.now();
    await first.kill();
    await site.putConfigMap('next', asText(releaseFiles({ digit: '2' })));
    await site.applyFleet({ configMapRefs: ['next'] });
    const host = await site.host(second, 'web-01');
    expect((await host.get('/v1/fleet.resolved')).status).toBe(200);
    host.close();
    expect(await second.leads()).toBe(false);
    await expect.poll(term, { timeout: LIMIT.timeout, interval: 20 }).toBe(2);
    expect(performance.now() - killed).toBeLessThan(LEASE_MS + HAND_OVER_MS);
    expect(await second.leads()).toBe(true);
    const states = async () => (await site.rollouts()).map(({ status }) => status?.state ?? '').toSorted();
    await expect.poll(states, LIMIT).toEqual(['Active', 'Active', 'Superseded', 'Superseded']);
  });
});
