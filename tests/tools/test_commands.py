"""The program without a subcommand, and what every subcommand shares."""
import re

from program import ProgramTest, main

COMMANDS = ['serve', 'shell', 'exec', 'demo', 'inspect', 'verify', 'scrub']


class Commands(ProgramTest):
    def test_help_lists_every_command(self):
        text = self.run_well('--help')
        for command in COMMANDS:
            self.assertRegex(text, r'(?m)^  strait %s +\S' % command)
        self.assertEqual(self.run_well('help'), text)

    def test_version_is_one_line(self):
        self.assertRegex(self.run_well('--version'), r'^strait \d+\.\d+\.\d+\n$')

    def test_without_a_command_it_shows_the_list_and_fails(self):
        self.assertIn('strait serve', self.run_badly(status=2))

    def test_an_unknown_command_is_named(self):
        text = self.run_badly('frobnicate', status=2)
        self.assertIn("no command 'frobnicate'", text)
        self.assertIn('strait serve', text)

    def test_every_command_explains_its_options(self):
        for command in COMMANDS:
            text = self.run_well(command, '--help')
            self.assertTrue(text.startswith('usage: strait %s' % command), text)
            self.assertIn('  --', text)
            self.assertEqual(self.run_well('help', command), text)

    def test_help_fits_a_terminal(self):
        for command in COMMANDS:
            for line in self.run_well(command, '--help').splitlines():
                self.assertLessEqual(len(line), 110, line)

    def test_a_wrong_option_is_wrong_usage_and_the_message_names_the_command(self):
        for command in COMMANDS:
            text = self.run_badly(command, '--no-such-option', status=2)
            self.assertTrue(re.match(r"strait %s: unrecognized option '--no-such-option'" % command, text), text)
            self.assertIn('usage: strait %s' % command, text)

    def test_an_unknown_profile_is_refused(self):
        self.assertIn('no such profile: oracle', self.run_badly('exec', '--profile', 'oracle', 'USE system'))


if __name__ == '__main__':
    main()
