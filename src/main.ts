import { Command } from 'commander';
import { registerRun } from './app/run-command.ts';
import { registerCommands } from './cli/register-commands.ts';

const program = new Command('nixfleet-operator')
  .description(
    'The NixFleet control plane as a Kubernetes operator, and the tools that CI signs releases with.',
  )
  .showHelpAfterError();
registerRun(program);
registerCommands(program);
await program.parseAsync();
