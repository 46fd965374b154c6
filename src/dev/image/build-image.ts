import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Cgroups } from '../cgroups.ts';
import { findBuildKit, unpackDebian } from '../cluster/programs.ts';
import { NamespacedTree } from '../namespaces.ts';
import { type ProgressListener, withProgress } from '../progress.ts';
import { writeImageLayout } from './oci-layout.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const INSIDE = fileURLToPath(new URL('./inside.ts', import.meta.url));
const LOG_LINES = 30;
/** Where BuildKit puts what it runs. */
const BUILD_CGROUP = 'buildkit';

/** The image's name as the chart's default values spell it, so that they find it where it is preloaded. */
export const OPERATOR_IMAGE = 'ghcr.io/nixfleet/nixfleet-operator:0.1.0';

/** What BuildKit is asked for inside its namespaces. */
export interface BuildRequest {
  readonly work: string;
  readonly context: string;
  readonly baseDigest: string;
  readonly image: string;
  readonly version: string;
  readonly revision: string;
  readonly outFile: string;
}

/**
 * Builds the Dockerfile with no registry: BuildKit in namespaces of its own, `node:24-slim` replaced by an image of the
 * Node in node_modules, the stage "bundle" by the dist/ that is built first. Writes an archive that Docker and
 * containerd load. Rejects with the end of BuildKit's output.
 */
export async function buildImage(outFile: string, onProgress: ProgressListener): Promise<void> {
  const folder = await findBuildKit(onProgress);
  const debian = await unpackDebian(['runc'], onProgress);
  const work = await mkdtemp(join(tmpdir(), 'nixfleet-image-'));
  const cgroups = await Cgroups.find();
  await cgroups.make(BUILD_CGROUP);
  try {
    await withProgress(
      onProgress,
      () => `building the image ${OPERATOR_IMAGE}`,
      async () => {
        const request = await prepare(work, outFile);
        const env = { ...process.env, PATH: [folder, ...debian.path, process.env['PATH']].join(':') };
        await buildInside(work, request, env);
      },
    );
  } finally {
    await cgroups.remove(BUILD_CGROUP);
    await rm(work, { recursive: true, force: true });
  }
}

async function prepare(work: string, outFile: string): Promise<BuildRequest> {
  await run(process.execPath, [join(ROOT, 'scripts/build.ts')]);
  await cp(join(ROOT, 'dist'), join(work, 'bundle', 'dist'), { recursive: true });
  const baseLayer = join(work, 'base-layer');
  await run(process.execPath, [join(ROOT, 'scripts/collect-runtime.mjs'), baseLayer]);
  await mkdir(join(baseLayer, 'tmp'));
  const base = { name: 'localhost/node:24', layers: [baseLayer], config: { Env: ['PATH=/usr/bin'] } };
  const baseDigest = await writeImageLayout(join(work, 'base'), base);
  return {
    work,
    context: ROOT,
    baseDigest,
    image: OPERATOR_IMAGE,
    version: OPERATOR_IMAGE.slice(OPERATOR_IMAGE.lastIndexOf(':') + 1),
    revision: await revision(),
    outFile,
  };
}

async function buildInside(work: string, request: BuildRequest, env: NodeJS.ProcessEnv): Promise<void> {
  const requestFile = join(work, 'request.json');
  await writeFile(requestFile, JSON.stringify(request));
  const logFile = join(work, 'build.log');
  const args = [INSIDE, requestFile];
  const tree = await NamespacedTree.start({ file: process.execPath, args, env, logFile });
  await tree.ended();
  const done = await readFile(join(work, 'done'), 'utf8').catch(() => undefined);
  if (done !== undefined) return;
  const log = await readFile(logFile, 'utf8').catch(() => '');
  throw new Error(`the image cannot be built:\n${log.trimEnd().split('\n').slice(-LOG_LINES).join('\n')}`);
}

async function revision(): Promise<string> {
  return run('git', ['rev-parse', 'HEAD'], { cwd: ROOT }).then(
    ({ stdout }) => stdout.trim(),
    () => 'unknown', // an unpacked archive of the source
  );
}
