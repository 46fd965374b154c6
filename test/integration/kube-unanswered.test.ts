import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControlPlane, type ControlPlane } from '../../src/dev/control-plane.ts';
import { isConflict, KubeError, NotLeaderError } from '../../src/kube/errors.ts';
import { gateWrites, type KubeClient } from '../../src/kube/kube-client.ts';
import { Store } from '../../src/kube/store.ts';
import { UnansweredWrites } from '../../src/kube/unanswered-writes.ts';
import { updateStatus } from '../../src/kube/writes.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { clientOf, installWidgets, widget, WIDGETS, type Widget } from '../support/widgets.ts';

let plane: ControlPlane;
let direct: KubeClient;
let proxy: TcpProxy;
let proxied: KubeClient;

beforeAll(async () => {
  plane = await startControlPlane();
  direct = clientOf(plane.kubeconfigPath);
  await installWidgets(direct);
  proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(plane.serverUrl).port) });
  // One connection, so that it is known which one to break.
  proxied = clientOf(plane.kubeconfigPath, proxy.port, 1);
});

afterAll(async () => {
  await proxied?.close();
  await proxy?.close();
  await direct?.close();
  await plane?.stop();
});

const refOf = (name: string) => ({ name, namespace: 'default' });

/** A widget that the cache knows, and who follows the writes of it. */
async function followed(name: string) {
  const base = await direct.create(WIDGETS, widget(name));
  const store = new Store<Widget>();
  store.applyList([base], base.metadata.resourceVersion ?? '', store.beginList());
  const unanswered = new UnansweredWrites(WIDGETS, store);
  const seen = (): number | undefined => store.get(`default/${name}`)?.status?.seen;
  return { base, store, unanswered, seen, next: { ...base, status: { seen: 1 } } };
}

test('a write whose answer is lost is in the cache as soon as the server can be asked', async () => {
  const { base, next, store, unanswered, seen } = await followed('lost-answer');
  await proxied.get(WIDGETS, refOf('lost-answer'));
  proxy.mute();
  const written = updateStatus(unanswered.following(proxied), WIDGETS, store, { base, next });
  const outcome = written.catch((error: unknown) => error);
  await expect
    .poll(async () => (await direct.get(WIDGETS, refOf('lost-answer'))).status)
    .toEqual({ seen: 1 });
  await proxy.refuse();
  proxy.reset();
  expect(await outcome).toSatisfy((error) => error instanceof KubeError && error.status === 0);
  expect([seen(), unanswered.size]).toEqual([undefined, 1]);

  await expect(unanswered.settle(proxied)).rejects.toThrow();
  expect(unanswered.size).toBe(1);
  await proxy.pass();
  await unanswered.settle(proxied);
  expect([seen(), unanswered.size]).toEqual([1, 0]);
});

test('a write that never arrived leaves the cache as it was', async () => {
  const { base, next, store, unanswered, seen } = await followed('never-arrived');
  await proxied.get(WIDGETS, refOf('never-arrived'));
  proxy.stall();
  const written = updateStatus(unanswered.following(proxied), WIDGETS, store, { base, next });
  const outcome = written.catch((error: unknown) => error);
  proxy.reset();
  expect(await outcome).toBeInstanceOf(KubeError);
  await proxy.pass();
  expect(unanswered.size).toBe(1);
  await unanswered.settle(proxied);
  expect([seen(), unanswered.size]).toEqual([undefined, 0]);
});

test('what is gone is waited for no longer', async () => {
  const { base, next, store, unanswered } = await followed('gone');
  await proxied.get(WIDGETS, refOf('gone'));
  proxy.stall();
  const outcome = updateStatus(unanswered.following(proxied), WIDGETS, store, { base, next }).catch(
    () => undefined,
  );
  proxy.reset();
  await outcome;
  await proxy.pass();
  await direct.delete(WIDGETS, refOf('gone'));
  await unanswered.settle(proxied);
  expect(unanswered.size).toBe(0);
});

test('a write that was refused, or stopped before it was sent, is known not to have happened', async () => {
  const { base, next, store, unanswered, seen } = await followed('refused');
  await direct.replaceStatus(WIDGETS, { ...base, status: { seen: 7 } });
  const stale = updateStatus(unanswered.following(proxied), WIDGETS, store, { base, next });
  await expect(stale).rejects.toSatisfy(isConflict);
  const former = gateWrites(proxied, () => {
    throw new NotLeaderError('the Lease is gone');
  });
  const late = updateStatus(unanswered.following(former), WIDGETS, store, { base, next });
  await expect(late).rejects.toBeInstanceOf(NotLeaderError);
  expect([seen(), unanswered.size]).toEqual([undefined, 0]);
});
