// Runs as root in namespaces of its own, with no network but "lo": starts buildkitd, builds the Dockerfile, and ends.
// Its argument is a file with a BuildRequest.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BuildRequest } from './build-image.ts';

const SOCKET = 'unix:///run/buildkit.sock';
const PAUSE_MS = 50;
const START_LIMIT_MS = 30_000;

const request: BuildRequest = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')); // written by build-image.ts

function sh(file: string, ...args: string[]): void {
  execFileSync(file, args, { stdio: ['ignore', 'inherit', 'inherit'] });
}

async function startDaemon(): Promise<void> {
  const daemon = spawn(
    'buildkitd',
    [
      `--addr=${SOCKET}`,
      `--root=${join(request.work, 'buildkit')}`,
      '--oci-worker=true',
      '--containerd-worker=false',
      '--oci-worker-net=host',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const deadline = Date.now() + START_LIMIT_MS;
  while (Date.now() < deadline && daemon.exitCode === null) {
    try {
      execFileSync('buildctl', [`--addr=${SOCKET}`, 'debug', 'workers'], { stdio: 'ignore' });
      return;
    } catch {
      await sleep(PAUSE_MS);
    }
  }
  throw new Error('buildkitd does not answer');
}

function build(): void {
  const { work, context, baseDigest, image, version, revision, outFile } = request;
  sh(
    'buildctl',
    `--addr=${SOCKET}`,
    'build',
    '--progress=plain',
    '--frontend=dockerfile.v0',
    '--local',
    `context=${context}`,
    '--local',
    `dockerfile=${context}`,
    '--local',
    `bundle=${join(work, 'bundle')}`,
    '--opt',
    'context:bundle=local:bundle',
    '--oci-layout',
    `base=${join(work, 'base')}`,
    '--opt',
    `context:node:24-slim=oci-layout://base@${baseDigest}`,
    '--opt',
    `build-arg:VERSION=${version}`,
    '--opt',
    `build-arg:REVISION=${revision}`,
    '--output',
    `type=docker,dest=${outFile},name=${image}`,
  );
}

for (const path of ['/run', '/var/lib']) sh('mount', '-t', 'tmpfs', 'tmpfs', path);
sh('ip', 'link', 'set', 'lo', 'up');
await startDaemon();
build();
writeFileSync(join(request.work, 'done'), '');
process.exit(0);
