import { KubeConfig } from '@kubernetes/client-node';
import { createInformers } from '../../../src/app/informers.ts';
import type { ControllerContext } from '../../../src/controllers/context.ts';
import { noDomainMetrics } from '../../../src/controllers/domain-metrics.ts';
import { DEFAULT_SETTINGS, type ControllerSettings } from '../../../src/controllers/settings.ts';
import type { Timestamp } from '../../../src/api/time.ts';
import { addMillis } from '../../../src/api/time.ts';
import { systemClock, type Clock } from '../../../src/kube/clock.ts';
import { connect } from '../../../src/kube/connect.ts';
import type { Controller } from '../../../src/kube/controller.ts';
import type { EventNote } from '../../../src/kube/events.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { silentLogger, type Logger } from '../../../src/kube/logger.ts';
import type { WorkQueue } from '../../../src/kube/work-queue.ts';
import { adminKubeconfig, newNamespace } from './shared-cluster.ts';

/** What a leader's controllers work with, on the shared API server, and what they told. */
export interface LeaderRoom {
  readonly context: ControllerContext;
  readonly client: KubeClient;
  readonly namespace: string;
  readonly audit: readonly object[];
  readonly notes: readonly EventNote[];
  /** Wires and starts a controller that ends with the room. */
  start(controller: Controller, wire: (context: ControllerContext, queue: WorkQueue) => () => void): void;
  close(): Promise<void>;
}

/** How a room differs from a running operator's. */
export interface LeaderRoomOptions {
  readonly settings?: Partial<ControllerSettings>;
  /** Added to the wall clock, in milliseconds. */
  readonly aheadMs?: number;
  /** How long the leader has led already, in milliseconds. */
  readonly ledForMs?: number;
  /** Wraps the client, to lose or delay requests. */
  readonly wrap?: (client: KubeClient) => KubeClient;
}

/** Sets up a namespace of its own with informers in sync; cached objects are frozen. */
export async function openLeaderRoom(options: LeaderRoomOptions = {}): Promise<LeaderRoom> {
  const namespace = await newNamespace('controllers');
  const config = new KubeConfig();
  config.loadFromFile(adminKubeconfig());
  const client = connect({ config, clock: systemClock, random: Math.random });
  const informers = createInformers(
    { client, clock: systemClock, log: silentLogger, random: Math.random, freeze: true },
    namespace,
  );
  const abort = new AbortController();
  const running = informers.run(abort.signal);
  await informers.waitForSync(abort.signal);
  const audit: object[] = [];
  const notes: EventNote[] = [];
  const clock = clockAhead(options.aheadMs ?? 0);
  const context: ControllerContext = {
    client: options.wrap?.(client) ?? client,
    stores: informers.stores,
    namespace,
    fleetName: 'lab',
    clock,
    random: Math.random,
    log: silentLogger,
    audit: collecting(audit),
    events: { record: (note) => void notes.push(note) },
    metrics: noDomainMetrics,
    settings: { ...DEFAULT_SETTINGS, verdictDelayMs: 50, statusIntervalMs: 50, ...options.settings },
    leadingSinceMs: clock.monotonicMillis() - (options.ledForMs ?? 0),
  };
  const controllers: Controller[] = [];
  return {
    context,
    client,
    namespace,
    audit,
    notes,
    start: (controller, wire) => {
      wire(context, controller.queue);
      controller.start();
      controllers.push(controller);
    },
    close: async () => {
      await Promise.all(controllers.map((controller) => controller.stop(5_000)));
      abort.abort();
      await running;
      await client.close();
    },
  };
}

function clockAhead(ms: number): Clock {
  const now = (): Timestamp => addMillis(systemClock.now(), ms);
  return { ...systemClock, now };
}

function collecting(lines: object[]): Logger {
  const log: Logger = {
    ...silentLogger,
    info: (fields, message) => void lines.push({ ...fields, message }),
    warn: (fields, message) => void lines.push({ ...fields, message }),
    child: () => log,
  };
  return log;
}
