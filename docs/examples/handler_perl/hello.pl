#!/usr/bin/perl
# usage: hello.pl SEND_SPEC RECV_SPEC: a classic handler.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Mongrel2;
use ZMQ::FFI qw(ZMQ_PULL ZMQ_XPUB);

my ($send_spec, $recv_spec) = @ARGV;
my $zmq = ZMQ::FFI->new();
my $requests = $zmq->socket(ZMQ_PULL);
my $replies = $zmq->socket(ZMQ_XPUB);
$replies->connect($recv_spec);
$replies->recv();    # the server's subscription: from now on it hears us
$requests->connect($send_spec);
while (1) {
    my $request = Mongrel2::request($requests->recv());
    next if ($request->{headers}{METHOD} // '') eq 'JSON';    # a notice: a client has left
    my $answer = Mongrel2::http("Hello from Perl, $request->{path}\n");
    $replies->send(Mongrel2::reply($request->{sender}, [$request->{conn_id}], $answer));
}
