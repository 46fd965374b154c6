import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { freePort } from '../../src/dev/free-ports.ts';
import { OperatorProcess, type OperatorStart } from '../../src/dev/local/operator-process.ts';
import { systemClock } from '../../src/kube/clock.ts';

/** What a process holds, in bytes. */
export interface ProcessMemory {
  /** Resident, as it stood before anything was collected: what a kubelet sees. */
  readonly resident: number;
  /** The most that was ever resident. */
  readonly peakResident: number;
  /** Resident after a full collection. */
  readonly residentAfterGc: number;
  /** Heap of V8 in use after a full collection. */
  readonly heapAfterGc: number;
  /** Buffers outside the heap after a full collection. */
  readonly externalAfterGc: number;
}

const usageSchema = z.object({ rss: z.int(), heapUsed: z.int(), external: z.int() });
const targetsSchema = z.array(z.object({ webSocketDebuggerUrl: z.url() }));
const answerSchema = z.looseObject({ id: z.int(), result: z.unknown().optional() });
const evaluatedSchema = z.object({ result: z.object({ value: z.string() }) });
/** The heap's limit in the chart's containers: 70 percent (Dockerfile) of 512 MiB (values.yaml). */
const HEAP_LIMIT_MIB = 358;
/** Far beyond the goal: a machine that is busy otherwise shall not end the run. */
const READY_LIMIT_MS = 180_000;
const QUIET_MS = 3_000;
const LOOK_EVERY_MS = 500;

const BUILD = fileURLToPath(new URL('../../scripts/build.ts', import.meta.url));
const run = promisify(execFile);

/**
 * An operator as the chart's containers run it, bundled and with their heap, and with a door through which its memory
 * can be read.
 */
export class MeasuredOperator {
  readonly process: OperatorProcess;
  readonly startSeconds: number;
  readonly #inspectPort: number;

  private constructor(process: OperatorProcess, inspectPort: number, startSeconds: number) {
    this.process = process;
    this.startSeconds = startSeconds;
    this.#inspectPort = inspectPort;
  }

  /** Starts one; `startSeconds` is how long it took to be ready. */
  static async start(
    options: Omit<OperatorStart, 'nodeArguments' | 'program' | 'readyLimitMs'>,
  ): Promise<MeasuredOperator> {
    const port = await freePort();
    const program = join(options.installation.controlPlane.folder, 'operator.mjs');
    // Once per installation: a build takes as long as a start.
    if (!existsSync(program)) await run(process.execPath, [BUILD, program]);
    const started = performance.now();
    const operator = await OperatorProcess.start({
      ...options,
      program,
      readyLimitMs: READY_LIMIT_MS,
      nodeArguments: [`--max-old-space-size=${HEAP_LIMIT_MIB}`, `--inspect=127.0.0.1:${port}`],
    });
    return new MeasuredOperator(operator, port, (performance.now() - started) / 1000);
  }

  /** The sum of a metric over the series whose labels match. */
  async sumOf(metric: string, labels: RegExp = /^/): Promise<number> {
    const text = await (await fetch(`${this.process.healthUrl}/metrics`)).text();
    const series = new RegExp(`^${metric}(?:\\{(?<labels>[^}]*)\\})? (?<value>\\S+)$`, 'gm');
    let sum = 0;
    for (const { groups } of text.matchAll(series)) {
      if (labels.test(groups?.['labels'] ?? '')) sum += Number(groups?.['value']);
    }
    return sum;
  }

  /** Requests that were to change something, the renewals of the Lease and Events excepted. */
  writes(): Promise<number> {
    const changes =
      /^(?!.*resource="(?:leases|events)").*method="(?:create|update|update-status|patch|delete)"/;
    return this.sumOf('rest_client_requests_total', changes);
  }

  /** Resolves once it has led, planned, and written all that it found to write; rejects after `limitMs`. */
  async untilPlanned(limitMs = 300_000): Promise<void> {
    const end = performance.now() + limitMs;
    while ((await this.sumOf('nixfleet_plan_duration_seconds_count')) === 0) {
      if (performance.now() > end) throw new Error(`no plan after ${limitMs / 1000} s`);
      await systemClock.sleep(LOOK_EVERY_MS);
    }
    await this.untilQuiet(limitMs);
  }

  /** Resolves once it has written nothing for three seconds; rejects after `limitMs`. */
  async untilQuiet(limitMs = 300_000): Promise<void> {
    const end = performance.now() + limitMs;
    let last = await this.writes();
    for (let quietSince = performance.now(); performance.now() - quietSince < QUIET_MS;) {
      if (performance.now() > end) throw new Error(`still writing after ${limitMs / 1000} s`);
      await systemClock.sleep(LOOK_EVERY_MS);
      const writes = await this.writes();
      if (writes !== last) quietSince = performance.now();
      last = writes;
    }
  }

  /** Collects what can be collected, and says what is left. */
  async memory(): Promise<ProcessMemory> {
    const status = await readFile(`/proc/${this.process.pid}/status`, 'utf8');
    const session = await this.#inspect();
    try {
      await session.call('HeapProfiler.collectGarbage');
      const { rss, heapUsed, external } = usageSchema.parse(
        JSON.parse(await session.evaluate('JSON.stringify(process.memoryUsage())')),
      );
      return {
        resident: kilobytes(status, 'VmRSS') * 1024,
        peakResident: kilobytes(status, 'VmHWM') * 1024,
        residentAfterGc: rss,
        heapAfterGc: heapUsed,
        externalAfterGc: external,
      };
    } finally {
      session.close();
    }
  }

  async #inspect(): Promise<InspectorSession> {
    const answer = await fetch(`http://127.0.0.1:${this.#inspectPort}/json/list`);
    const [target] = targetsSchema.parse(await answer.json());
    if (target === undefined) throw new Error('the operator has nothing to inspect');
    return InspectorSession.open(target.webSocketDebuggerUrl);
  }
}

/** A connection to the inspector of a Node process. */
class InspectorSession {
  readonly #socket: WebSocket;
  #calls = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async open(url: string): Promise<InspectorSession> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve, { once: true });
      socket.addEventListener('error', () => reject(new Error(`${url} cannot be reached`)), { once: true });
    });
    return new InspectorSession(socket);
  }

  async call(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#calls;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#socket.addEventListener('message', ({ data }) => {
      const answer = answerSchema.safeParse(JSON.parse(String(data)));
      if (answer.success && answer.data.id === id) resolve(answer.data.result);
    });
    this.#socket.send(JSON.stringify({ id, method, params }));
    return promise;
  }

  async evaluate(expression: string): Promise<string> {
    return evaluatedSchema.parse(await this.call('Runtime.evaluate', { expression })).result.value;
  }

  close(): void {
    this.#socket.close();
  }
}

function kilobytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? Number.NaN);
}
