import type { Installation } from '../local/installation.ts';
import { OperatorProcess } from '../local/operator-process.ts';
import { ServiceProxy } from '../local/service-proxy.ts';

/** The operators of the demo behind one address. */
export class Operators {
  readonly #service: ServiceProxy;
  readonly #running: OperatorProcess[] = [];

  private constructor(service: ServiceProxy) {
    this.#service = service;
  }

  /** Starts so many, each with waiting times that fit agents `factor` times as fast. */
  static async start(installation: Installation, count: number, factor: number): Promise<Operators> {
    const operators = new Operators(await ServiceProxy.start());
    try {
      for (let index = 1; index <= count; index += 1) {
        const flags = operatorFlags(factor);
        operators.#running.push(
          await OperatorProcess.start({ name: `operator-${index}`, installation, flags }),
        );
      }
    } catch (error) {
      await operators.stop();
      throw error;
    }
    operators.#updateBackends();
    return operators;
  }

  /** Where agents connect, whichever operators run. */
  get agentUrl(): string {
    return `https://127.0.0.1:${this.#service.port}`;
  }

  /** The end of what each has printed, for whoever has to find out what went wrong. */
  async logEnds(): Promise<string> {
    const ends = this.#running.map(async (operator) => `--- ${operator.name}\n${await operator.logEnd()}`);
    return (await Promise.all(ends)).join('\n');
  }

  /** Kills the one that leads, without a warning, and returns its name. */
  async killLeader(): Promise<string> {
    const leads = await Promise.all(this.#running.map(async (operator) => operator.leads()));
    const leader = this.#running[leads.indexOf(true)];
    if (leader === undefined) throw new Error('none of the operators says that it leads');
    await leader.kill();
    this.#updateBackends();
    return leader.name;
  }

  /** Calls back when one ends that nobody told to. */
  onUnexpectedEnd(listener: (error: Error) => void): void {
    for (const operator of this.#running) {
      void operator.ended().then(() => {
        if (!operator.expectedToEnd) listener(new Error(`${operator.name} ended by itself`));
      });
    }
  }

  /** Ends all of them. */
  async stop(): Promise<void> {
    await Promise.all(this.#running.map(async (operator) => operator.stop()));
    await this.#service.stop();
  }

  #updateBackends(): void {
    this.#service.setBackends(
      this.#running.filter(({ pid }) => pid !== undefined).map(({ agentPort }) => agentPort),
    );
  }
}

/** The operator waits for agents in some places; it has to live as fast as they do. */
export function operatorFlags(factor: number): string[] {
  const faster = (name: string, millis: number): string => `--${name}=${Math.round(millis / factor)}ms`;
  return [
    faster('plan-interval', 15_000),
    faster('redeliver-after', 15_000),
    faster('settle-gap', 55_000),
    faster('settle-max', 330_000),
    faster('told-after', 20_000),
    faster('host-busy', 600_000),
    faster('verdict-delay', 5_000),
  ];
}
