import { progressToStderr } from '../progress.ts';
import { demoFleet } from './design.ts';
import { playDemo } from './demo.ts';
import { HELP, readDemoOptions, type DemoOptions } from './options.ts';
import { openScreen } from './screen.ts';

const EXIT_INTERRUPTED = 130;

async function main(options: DemoOptions): Promise<number> {
  const started = Date.now();
  const screen = openScreen(demoFleet, process.stdout);
  const progress = progressToStderr();
  const interrupt = new AbortController();
  const cleanups: (() => Promise<void>)[] = [];
  let interruptions = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      interruptions += 1;
      if (interruptions === 1) console.error('demo: interrupted, cleaning up');
      interrupt.abort();
      if (interruptions > 2) process.exit(EXIT_INTERRUPTED);
    });
  }
  try {
    await playDemo({
      options,
      screen: { ...bound(screen), say: (line) => (progress.finish(), screen.say(line)) },
      signal: interrupt.signal,
      onEnd: (cleanup) => void cleanups.push(cleanup),
      onProgress: progress.onProgress,
    });
    screen.say(`Done in ${Math.round((Date.now() - started) / 1000)} s.`);
    return 0;
  } catch (error) {
    progress.finish();
    screen.freeze();
    if (interrupt.signal.aborted) return EXIT_INTERRUPTED;
    console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    for (const cleanup of cleanups.toReversed()) {
      await cleanup().catch((error: unknown) => console.error(`demo: cleaning up: ${String(error)}`));
    }
  }
}

function bound(screen: ReturnType<typeof openScreen>): ReturnType<typeof openScreen> {
  return {
    say: (line) => screen.say(line),
    show: (state) => screen.show(state),
    freeze: () => screen.freeze(),
  };
}

function optionsOrExit(): DemoOptions {
  try {
    const options = readDemoOptions(process.argv.slice(2));
    if (options !== undefined) return options;
    process.stdout.write(HELP);
    process.exit(0);
  } catch (error) {
    console.error(`demo: ${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    process.exit(2);
  }
}

process.exitCode = await main(optionsOrExit());
