import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type ProgressListener, withProgress } from './progress.ts';

/** A program that is built from a pinned Go module under tools/. */
export interface GoTool {
  /** File name of the program. */
  name: string;
  /** The folder with go.mod and go.sum. */
  moduleFolder: string;
  /** The main package. */
  importPath: string;
  /** The module in go.mod whose version is the program's version; absent for a program of our own. */
  versionedModule?: string;
  /** Linker flags for that version, beyond stripping. */
  versionFlags(version: string): string[];
}

const ERROR_LINES = 20;

/** The version that go.mod pins for the tool's module, for instance `v1.36.3`; empty for a program of our own. */
export async function pinnedVersion(tool: GoTool): Promise<string> {
  if (tool.versionedModule === undefined) return '';
  const goMod = await readFile(join(tool.moduleFolder, 'go.mod'), 'utf8');
  const line = goMod.split('\n').find((l) => l.trim().startsWith(`${tool.versionedModule} v`));
  const version = line?.trim().split(/\s+/)[1];
  if (version === undefined)
    throw new Error(`${tool.moduleFolder}/go.mod does not require ${tool.versionedModule}`);
  return version;
}

/**
 * Builds the tool into `outFile` with the Go on PATH, telling the progress in compiled packages.
 *
 * Rejects with the last lines of the compiler where it fails.
 */
export async function buildGoTool(
  tool: GoTool,
  outFile: string,
  onProgress: ProgressListener,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const goEnv = { ...env, CGO_ENABLED: '0', GOFLAGS: '' };
  const version = await pinnedVersion(tool);
  const what = `building ${tool.name} ${version} from source, once per machine`;
  let total = 0;
  await withProgress(
    onProgress,
    () => `${what}: downloading its modules`,
    async () => {
      await runGo(tool.moduleFolder, ['list', '-deps', tool.importPath], goEnv, () => (total += 1));
    },
  );
  let compiled = 0;
  const ldflags = ['-s', '-w', ...tool.versionFlags(version)].join(' ');
  const args = ['build', '-v', '-trimpath', '-buildvcs=false', `-ldflags=${ldflags}`, '-o', outFile];
  await withProgress(
    onProgress,
    () => `${what}: ${compiled} of at most ${total} packages compiled`,
    async () => runGo(tool.moduleFolder, [...args, tool.importPath], goEnv, () => (compiled += 1)),
  );
}

/** Tells whether a Go toolchain answers on PATH. */
export async function hasGo(env: NodeJS.ProcessEnv): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('go', ['version'], { stdio: 'ignore', env });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}

async function runGo(
  folder: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
): Promise<void> {
  const child = spawn('go', args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  const lastLines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lastLines.push(line);
      if (lastLines.length > ERROR_LINES) lastLines.shift();
      onLine(line);
    });
  }
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`go ${args[0] ?? ''} failed in ${folder}:\n${lastLines.join('\n')}`)),
    );
  });
}
