import { writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { findKubectl } from '../kubectl.ts';
import { rememberPort } from '../local/remembered-port.ts';
import { startInstallation, type Installation } from '../local/installation.ts';
import { OperatorProcess } from '../local/operator-process.ts';
import { progressToStderr } from '../progress.ts';
import { nextSteps } from './next-steps.ts';
import { writeSample } from './sample.ts';

const HELP = `STATE=FOLDER node src/dev/up/main.ts

A local control plane and the operator in the foreground, without hosts; Ctrl-C ends both. With STATE everything is
kept in that folder and used again by the next start; without it, it is gone with the process.
`;

/** People who type by hand need not wait the 55 seconds that a host with a life of its own does (D22). */
const SETTLE_SECONDS = 5;

async function main(): Promise<number> {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt.abort());
  const { onProgress, finish } = progressToStderr();
  const state = process.env['STATE'];
  const installation = await startInstallation({
    onProgress,
    ...(state !== undefined && state !== '' && { stateDir: state }),
  });
  try {
    if (interrupt.signal.aborted) return 0;
    onProgress('starting the operator');
    const operator = await startOperator(installation);
    finish();
    try {
      await explain(installation, operator);
      return await untilEnd(operator, interrupt.signal);
    } finally {
      await operator.stop();
    }
  } finally {
    finish();
    await installation.controlPlane.stop();
  }
}

async function startOperator(installation: Installation): Promise<OperatorProcess> {
  await writeSample(installation);
  return OperatorProcess.start({
    name: 'operator',
    installation,
    agentPort: await rememberPort(join(installation.folder, 'agent-port')),
    flags: [`--settle-gap=${SETTLE_SECONDS}s`],
  });
}

async function explain(
  { controlPlane, folder, files }: Installation,
  operator: OperatorProcess,
): Promise<void> {
  const agentUrl = `https://127.0.0.1:${operator.agentPort}`;
  const steps = nextSteps({
    kubeconfig: controlPlane.kubeconfigPath,
    folder,
    agentUrl,
    kubectl: await findKubectl(),
    settleSeconds: SETTLE_SECONDS,
  });
  const script = join(folder, 'next-steps.sh');
  await writeFile(script, steps);
  process.stdout.write(`
The control plane and the operator are up; Ctrl-C ends them.

  kubeconfig      ${controlPlane.kubeconfigPath}
  agent URL       ${agentUrl}
  agents' CA      ${files.agentCa} (key: ${files.agentCaKey})
  CI signing key  ${files.ciKey}
  operator's log  ${operator.logFile}
  metrics         ${operator.healthUrl}/metrics
  (a new host is settled after ${SETTLE_SECONDS} s instead of 55, for those who type by hand)

What to type next, in another terminal (also in ${script}):

${steps}
Up.
`);
}

async function untilEnd(operator: OperatorProcess, signal: AbortSignal): Promise<number> {
  const interrupted = signal.aborted ? Promise.resolve() : once(signal, 'abort');
  await Promise.race([interrupted, operator.ended()]);
  if (signal.aborted) return 0;
  console.error(`up: the operator has ended by itself:\n${await operator.logEnd()}`);
  return 1;
}

if (process.argv.length > 2) {
  process.stdout.write(HELP);
  process.exitCode = process.argv[2] === '--help' ? 0 : 2;
} else {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(`up: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
