#!/usr/bin/perl
# usage: golden.pl DIRECTORY: tries Mongrel2.pm with the golden messages; prints how many fit.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP ();
use Mongrel2;

my %escape = (r => "\r", n => "\n", t => "\t", 0 => "\0", '\\' => '\\');

sub cases {
    open my $file, '<:raw', "$ARGV[0]/$_[0]" or die "$ARGV[0]/$_[0]: $!\n";
    my @cases;
    while (my $line = <$file>) {
        chomp $line;
        if ($line =~ /^case (.*)/) { push @cases, {name => $1} }
        elsif ($line =~ /^fields (.*)/) { $cases[-1]{fields} = JSON::PP->new->utf8->decode($1) }
        elsif ($line =~ /^bytes (.*)/s) {
            my $bytes = $1;
            $bytes =~ s/\\(x([0-9a-fA-F]{2})|.)/defined $2 ? chr hex $2 : $escape{$1}/ge;
            $cases[-1]{bytes} = $bytes;
        }
        elsif ($line =~ /^(decode only|refused)/) { $cases[-1]{$1} = 1 }
    }
    return @cases;
}

my ($good, $bad) = (0, 0);
sub check {
    my ($case, $is_right) = @_;
    $is_right ? $good++ : $bad++;
    print "wrong: $case->{name}\n" unless $is_right;
}

for my $case (grep { !$_->{refused} } cases('handler_request.txt')) {
    my $want = $case->{fields};
    my $got = eval { Mongrel2::request($case->{bytes}) };
    check($case, $got && !grep { $got->{$_} ne $want->{$_} } qw(sender conn_id path body));
}
for my $case (grep { !$_->{refused} && !$_->{'decode only'} && !$_->{fields}{extended} } cases('handler_reply.txt')) {
    my $want = $case->{fields};
    check($case, Mongrel2::reply(@$want{qw(sender ids payload)}) eq $case->{bytes});
}
print "$good right, $bad wrong\n";
exit($bad > 0);
