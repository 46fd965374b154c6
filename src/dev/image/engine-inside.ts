// Runs as root in namespaces of its own: prepares them, starts dockerd, and ends when its stdin does. Its argument is the
// folder for images and containers.
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { ENGINE_CGROUP, ENGINE_SOCKET } from './engine.ts';

function sh(file: string, ...args: string[]): void {
  execFileSync(file, args, { stdio: ['ignore', 'inherit', 'inherit'] });
}

process.stdin.on('end', () => process.exit(0)).resume();
sh('mount', '-t', 'tmpfs', 'tmpfs', '/run');
sh('ip', 'link', 'set', 'lo', 'up');
const data = process.argv[2] ?? '';
spawn(
  'dockerd',
  [
    `--host=unix://${ENGINE_SOCKET}`,
    `--data-root=${join(data, 'docker')}`,
    '--exec-root=/run/docker',
    '--pidfile=/run/docker.pid',
    `--cgroup-parent=/${ENGINE_CGROUP}`,
    '--exec-opt=native.cgroupdriver=cgroupfs',
    '--iptables=false', // ports are published by its own proxy; nothing has to leave
    '--ip6tables=false',
    '--ip-masq=false',
    '--storage-driver=overlay2',
  ],
  { stdio: ['ignore', 'inherit', 'inherit'] },
).once('exit', (code) => process.exit(code ?? 1));
