import { startControlPlane } from '../../src/dev/control-plane.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { clientOf, installWidgets, widget, WIDGETS, type Widget } from '../support/widgets.ts';

/** How fast an API server takes PUTs of /status from one client. */
export interface RawWriteResult {
  readonly inFlight: number;
  readonly writes: number;
  readonly perSecond: number;
  /** CPU time of this process per write, in microseconds. */
  readonly clientMicros: number;
}

/**
 * Measures the best raw rate of status writes: `inFlight` lanes, each with an object of its own that it writes again
 * and again, so that nothing conflicts. The kind of `installWidgets` must be served. Other rates are given as a share
 * of this one, measured in the same run.
 */
export async function measureRawWrites(
  client: KubeClient,
  inFlight: number,
  writes: number,
): Promise<RawWriteResult> {
  const prefix = `raw-${inFlight}-${process.hrtime.bigint()}`;
  const padding = 'x'.repeat(1000);
  const lanes = await Promise.all(
    Array.from({ length: inFlight }, (_, n) => {
      const { metadata } = widget(`${prefix}-${n}`);
      return client.create(WIDGETS, { metadata, spec: { size: n, padding } });
    }),
  );
  let left = writes;
  const write = async (lane: Widget): Promise<void> => {
    let current = lane;
    while (left > 0) {
      left -= 1;
      current = await client.replaceStatus(WIDGETS, { ...current, status: { seen: left, note: padding } });
    }
  };
  const cpu = process.cpuUsage();
  const started = performance.now();
  await Promise.all(lanes.map(write));
  const seconds = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  return {
    inFlight,
    writes,
    perSecond: Math.round(writes / seconds),
    clientMicros: Math.round((used.user + used.system) / writes),
  };
}

/** Measures a throw-away API server, several times with few and with many writes in flight. */
export async function benchRawWrites(): Promise<RawWriteResult[]> {
  const plane = await startControlPlane();
  const client = clientOf(plane.kubeconfigPath);
  try {
    await installWidgets(client);
    await measureRawWrites(client, 16, 1000);
    const results: RawWriteResult[] = [];
    for (const inFlight of [1, 16, 32, 16, 32]) results.push(await measureRawWrites(client, inFlight, 3000));
    return results;
  } finally {
    await client.close();
    await plane.stop();
  }
}
