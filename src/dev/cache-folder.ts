import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder for what is made once per machine: `${XDG_CACHE_HOME:-~/.cache}/nixfleet-operator`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const xdg = env['XDG_CACHE_HOME'];
  return join(xdg === undefined || xdg === '' ? join(homedir(), '.cache') : xdg, 'nixfleet-operator');
}
