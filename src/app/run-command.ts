import type { Command } from 'commander';
import { hostname } from 'node:os';
import { systemClock } from '../kube/clock.ts';
import { startTracing } from '../telemetry/start-tracing.ts';
import { Operator } from './operator.ts';
import { OptionError } from './option-flag.ts';
import { FLAGS, readOptions, type FlagValues, type OperatorOptions } from './options.ts';

/** Adds `run`, the operator itself, which is also what happens without a subcommand. */
export function registerRun(program: Command): void {
  const command = program
    .command('run', { isDefault: true })
    .description('run the operator (this is what happens without a subcommand)')
    .addHelpText(
      'after',
      '\nEach flag can be given as an environment variable, too: --agent-listen as NIXFLEET_AGENT_LISTEN.\n',
    );
  for (const flag of FLAGS) {
    const fallback = flag.default === undefined ? '' : ` (default: ${flag.default})`;
    command.option(`--${flag.name} <${flag.value}>`, `${flag.help}${fallback}`);
  }
  command.action(async (values: Record<string, string | undefined>) => {
    await run(optionsOrExit(command, values));
  });
}

function optionsOrExit(command: Command, camelCased: Record<string, string | undefined>): OperatorOptions {
  const values: FlagValues = Object.fromEntries(
    FLAGS.map(({ name }) => [
      name,
      camelCased[name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())],
    ]),
  );
  try {
    return readOptions(values, process.env);
  } catch (error) {
    if (error instanceof OptionError) return command.error(`error: ${error.message}`, { exitCode: 2 });
    throw error;
  }
}

/** Runs until a signal; a second signal, a lost Lease or an unexpected error ends the process at once with 1. */
async function run(options: OperatorOptions): Promise<void> {
  const { namespace } = options;
  const tracing = await startTracing(options.tracing, { namespace, hostname: hostname() });
  const onLost = (reason: string): void => {
    operator.log.fatal({ reason }, 'leadership is lost, ending so that no late write can land');
    process.exit(1);
  };
  const operator: Operator = new Operator(options, onLost, systemClock, tracing);
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (err: unknown) => {
      operator.log.fatal({ err }, 'an unexpected error ends the process');
      process.exit(1);
    });
  }
  const stopped = new Promise<void>((resolve) => {
    let signals = 0;
    const onSignal = (signal: NodeJS.Signals): void => {
      signals += 1;
      if (signals > 1) process.exit(1);
      operator.log.info({ signal }, 'asked to stop');
      void operator.stop().then(resolve);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
  try {
    await operator.start();
  } catch (err) {
    operator.log.fatal({ err }, 'the operator cannot start');
    process.exit(1);
  }
  await stopped;
  // Spans that no collector takes are given up; their exporter would go on trying.
  process.exit(0);
}
