#!/usr/bin/env node
import { makeOnRecord } from './hactl/on-record.ts';
import { makeProgram } from './hactl/program.ts';
import { runCommandLine } from './hactl/run.ts';
import { listenForSignals } from './hactl/signals.ts';
import { debianPaths } from './paths.ts';

const program = makeProgram(debianPaths, makeOnRecord(listenForSignals()));

process.exitCode = await runCommandLine(program, process.argv);
