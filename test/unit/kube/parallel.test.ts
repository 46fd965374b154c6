import { describe, expect, it } from 'vitest';
import { forEachParallel } from '../../../src/kube/parallel.ts';
import { settle } from '../../support/manual-clock.ts';

/** Calls that stay open until a test ends them. */
function openCalls() {
  const open = new Map<number, { readonly end: () => void; readonly fail: (error: Error) => void }>();
  const started: number[] = [];
  const call = (item: number): Promise<void> =>
    new Promise((resolve, reject) => {
      started.push(item);
      open.set(item, { end: resolve, fail: reject });
    });
  return { call, started, get: (item: number) => open.get(item) };
}

describe('calls under a limit', () => {
  it('are never more at once, and each end lets the next begin', async () => {
    const { call, started, get } = openCalls();
    const all = forEachParallel([1, 2, 3, 4], 2, call);
    await settle();
    expect(started).toEqual([1, 2]);
    get(2)?.end();
    await settle();
    expect(started).toEqual([1, 2, 3]);
    get(1)?.end();
    get(3)?.end();
    await settle();
    expect(started).toEqual([1, 2, 3, 4]);
    get(4)?.end();
    await all;
  });

  it('are not done before the last of them', async () => {
    const { call, get } = openCalls();
    let done = false;
    const all = forEachParallel([1], 5, call).then(() => (done = true));
    await settle();
    expect(done).toBe(false);
    get(1)?.end();
    await all;
  });

  it('are all tried though some fail, and then the first error is told', async () => {
    const { call, started, get } = openCalls();
    const all = forEachParallel([1, 2, 3], 2, call);
    const told = expect(all).rejects.toThrow('second fails first');
    await settle();
    get(2)?.fail(new Error('second fails first'));
    await settle();
    get(1)?.fail(new Error('first fails second'));
    get(3)?.end();
    await told;
    expect(started).toEqual([1, 2, 3]);
  });

  it('tell a failure that is no error, too', async () => {
    // eslint-disable-next-line typescript/prefer-promise-reject-errors -- what others reject with is theirs
    await expect(forEachParallel([1], 1, () => Promise.reject(undefined))).rejects.toBeUndefined();
  });

  it('may be none', async () => {
    await expect(forEachParallel([], 3, () => Promise.reject(new Error('called')))).resolves.toBeUndefined();
  });
});
