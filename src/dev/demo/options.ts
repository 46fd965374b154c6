import { parseArgs } from 'node:util';

/** How the demo is run. */
export interface DemoOptions {
  /** One act: a good release. Two: a faulty one before it. */
  readonly acts: 1 | 2;
  /** All times of the agents are divided by it. */
  readonly factor: number;
  readonly operators: 1 | 2;
  /** The leading operator is killed in the middle. */
  readonly killLeader: boolean;
  /** The API server's audit log is written there. */
  readonly auditLog: string | undefined;
  /** Everything the agents do is printed. */
  readonly verbose: boolean;
}

/** What `--help` prints. */
export const HELP = `node src/dev/demo/main.ts [--acts 1|2] [--factor N] [--two-operators [--kill-leader]] [--audit-log FILE] [--verbose]

A local control plane, the operator as a child process and 8 simulated hosts: a signed release takes them to Converged.

  --acts 1|2       2 (default): first a release that fails on one host (rolled back, quarantined, halted), then its
                   fix; 1: the good release only
  --factor N       divide all times of the agents by N (default 10)
  --two-operators  run two operators on one API server
  --kill-leader    kill the leading one with SIGKILL in the middle; the end is the same
  --audit-log FILE keep the API server's audit log
  --verbose        print what the agents do
`;

/** Reads the command line. Throws where it makes no sense; undefined stands for --help. */
export function readDemoOptions(args: readonly string[]): DemoOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      acts: { type: 'string', default: '2' },
      factor: { type: 'string', default: '10' },
      'two-operators': { type: 'boolean', default: false },
      'kill-leader': { type: 'boolean', default: false },
      'audit-log': { type: 'string' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const factor = Number(values.factor);
  if (!(factor >= 1 && factor <= 30))
    throw new Error(`--factor is "${values.factor}": give a number from 1 to 30`);
  if (values.acts !== '1' && values.acts !== '2') throw new Error(`--acts is "${values.acts}": give 1 or 2`);
  if (values['kill-leader'] && !values['two-operators']) {
    throw new Error('--kill-leader leaves nobody to go on: give --two-operators, too');
  }
  return {
    acts: values.acts === '2' ? 2 : 1,
    factor,
    operators: values['two-operators'] ? 2 : 1,
    killLeader: values['kill-leader'],
    auditLog: values['audit-log'],
    verbose: values.verbose,
  };
}
