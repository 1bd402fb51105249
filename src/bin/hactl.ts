#!/usr/bin/env node
import { readFileSync } from 'node:fs';

import { makeOnRecord } from './hactl/on-record.ts';
import { makeProgram } from './hactl/program.ts';
import { runCommandLine } from './hactl/run.ts';
import { listenForSignals } from './hactl/signals.ts';
import { debianPaths } from './wiring/paths.ts';

const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
const { version } = JSON.parse(manifest) as { version: string };
const program = makeProgram(debianPaths, makeOnRecord(listenForSignals()), version);

process.exitCode = await runCommandLine(program, process.argv);
