import { expect, test } from 'vitest';
import { parseTimestamp } from '../../../src/api/time.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import { loadKubeConfig } from '../../../src/kube/credentials.ts';
import { errorOfAnswer, isAlreadyExists, isConflict } from '../../../src/kube/errors.ts';
import { microTime } from '../../../src/kube/micro-time.ts';
import { compareVersions, keyOfRef, pathOf, refOfKey, defineResource } from '../../../src/kube/resource.ts';

test.each([
  ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000000Z'],
  ['2026-01-01T00:00:00.120Z', '2026-01-01T00:00:00.120000Z'],
  ['2026-01-01T00:00:00.123456789Z', '2026-01-01T00:00:00.123456Z'],
])('a MicroTime of %s has six digits', (time, expected) => {
  const parsed = parseTimestamp(time);
  expect(parsed && microTime(parsed)).toBe(expected);
});

test('paths of core, group, cluster-scoped and subresource objects', () => {
  const common = { version: 'v1', kind: 'X' };
  const core = defineResource({ ...common, group: '', plural: 'configmaps', namespaced: true });
  const cluster = defineResource({ ...common, group: 'a.b', plural: 'things', namespaced: false });
  expect(pathOf(core, { namespace: 'ns' })).toBe('/api/v1/namespaces/ns/configmaps');
  expect(pathOf(core, {})).toBe('/api/v1/configmaps');
  expect(pathOf(core, { namespace: 'ns', name: 'a/b' })).toBe('/api/v1/namespaces/ns/configmaps/a%2Fb');
  expect(pathOf(cluster, { namespace: 'ignored', name: 'x', subresource: 'status' })).toBe(
    '/apis/a.b/v1/things/x/status',
  );
});

test('keys and references are two forms of one thing', () => {
  expect(refOfKey(keyOfRef({ namespace: 'ns', name: 'a' }))).toEqual({ namespace: 'ns', name: 'a' });
  expect(refOfKey(keyOfRef({ name: 'a' }))).toEqual({ name: 'a' });
});

test('versions order as numbers', () => {
  expect(['10', '9', '100', '99'].toSorted(compareVersions)).toEqual(['9', '10', '99', '100']);
});

test('a 409 is a conflict or a taken name, by its reason', () => {
  const conflict = errorOfAnswer(409, JSON.stringify({ reason: 'Conflict' }), undefined);
  const taken = errorOfAnswer(409, JSON.stringify({ reason: 'AlreadyExists' }), undefined);
  expect([isConflict(conflict), isAlreadyExists(conflict)]).toEqual([true, false]);
  expect([isConflict(taken), isAlreadyExists(taken)]).toEqual([false, true]);
});

test('the server’s own wish for a pause is read from the Status as well', () => {
  const error = errorOfAnswer(429, JSON.stringify({ details: { retryAfterSeconds: 3 } }), undefined);
  expect(error.retryAfterMs).toBe(3_000);
  expect(errorOfAnswer(502, '<html>', undefined)).toMatchObject({
    status: 502,
    reason: 'HTTP502',
    retryable: true,
  });
});

test('without any cluster the client refuses to guess', () => {
  expect(() => loadKubeConfig('/does/not/exist', {})).toThrow(/does\/not\/exist/);
});

test('a timer longer than a timer can hold does not fire at once', async () => {
  let fired = false;
  const timer = systemClock.setTimer(2 ** 31 + 1000, () => (fired = true));
  await systemClock.sleep(5);
  timer.cancel();
  expect(fired).toBe(false);
});

test('a sleep ends with its signal', async () => {
  const abort = new AbortController();
  const sleeping = systemClock.sleep(60_000, abort.signal);
  abort.abort(new Error('up'));
  await expect(sleeping).rejects.toThrow('up');
  await expect(systemClock.sleep(60_000, abort.signal)).rejects.toThrow('up');
});
