import { Command } from 'commander';
import { registerRun } from './app/run-command.ts';
import { registerCommands } from './cli/register-commands.ts';

const program = new Command('nixfleet-operator')
  .description(
    'The NixFleet control plane as a Kubernetes operator, and the tools that CI signs releases with.',
  )
  .showHelpAfterError('run with --help for the options')
  // Bad usage ends with 2, as everywhere; commander would say 1.
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
registerRun(program);
registerCommands(program);
await program.parseAsync();
