/** Takes the mutant out when a test file is done: the next file is read, and its tables made, before the next mutant. */
import { afterAll } from 'vitest';

afterAll(() => {
  const stryker: unknown = Reflect.get(globalThis, '__stryker__');
  if (typeof stryker === 'object' && stryker !== null) Reflect.set(stryker, 'activeMutant', undefined);
});
